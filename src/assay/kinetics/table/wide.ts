// Reads wide tables: a column of times and one of responses for each concentration, or pairs of columns X and Y for each curve.
import { Failure } from "../../../failure/failure.ts";
import { type Cells, numberAt, numberIn } from "./cells.ts";
import type { Scales } from "./long.ts";
import type { RawCycle, RawPoint } from "./raw-curves.ts";
import { concentrationIn } from "./units.ts";

interface Pair {
  readonly name: string;
  readonly time: number;
  readonly response: number;
}

const FITTED = /fit(ted)?\b|fitted/i;

export interface WideCycles {
  readonly cycles: RawCycle[];
  /** Names of columns that contain another program's fit. */
  readonly leftOut: readonly string[];
}

/** Returns the sensorgrams of a wide table, or undefined if it is not one. */
export function wideCycles(cells: Cells, scales: Scales, where: string): WideCycles | undefined {
  const pairs = pairsOf(cells.header);
  if (pairs.length === 0) return undefined;
  const leftOut = pairs.filter(({ name }) => FITTED.test(name)).map(({ name }) => name);
  const kept = pairs.filter(({ name }) => !FITTED.test(name));
  const named = kept.map((pair) => ({ ...pair, ...meaning(pair.name, cells, scales) }));
  const curves = curvesOf(named);
  const cycles = named.map(({ name, time, response, concentration }, which): RawCycle => {
    const points = cells.rows.map((_row, at): RawPoint => {
      const timeS = numberAt(cells, at, time, "time", where) * scales.time;
      const value = numberAt(cells, at, response, `response ("${name}")`, where);
      return {
        timeS,
        response: value,
        error: undefined,
        concentration,
        phase: undefined,
        startS: undefined,
        endS: undefined,
      };
    });
    // A column that is shorter than others ends with empty cells.
    const used = points.filter((point) => Number.isFinite(point.timeS) || Number.isFinite(point.response));
    return { name, curve: curves[which] ?? "", points: used };
  });
  if (cycles.length === 0) throw new Failure("usage.invalid", `${where}: there is no column of responses`);
  return { cycles, leftOut };
}

function pairsOf(header: readonly string[]): Pair[] {
  const pairs = header.flatMap((name, at): Pair[] => {
    const next = header[at + 1];
    const [, of] = /^(.*?)[\s_.]*X$/i.exec(name.trim()) ?? [];
    if (of === undefined || next === undefined) return [];
    const [, other] = /^(.*?)[\s_.]*Y$/i.exec(next.trim()) ?? [];
    return other === of ? [{ name: of, time: at, response: at + 1 }] : [];
  });
  if (pairs.length > 0) return pairs;
  const [first = ""] = header;
  if (header.length < 2 || !/^(time|t|seconds?|x|elapsed)\b|^time/i.test(first.trim())) return [];
  return header.slice(1).map((name, at) => ({ name, time: 0, response: at + 1 }));
}

/** Returns the concentration in a column's name, and the rest of the name. */
function meaning(name: string, cells: Cells, scales: Scales): { concentration: number | undefined; rest: string } {
  const found = concentrationIn(name);
  if (found !== undefined) return { concentration: found.molar, rest: found.rest };
  const bare = numberIn(name.replace(/^X(?=\d)/, ""), cells.hasDecimalComma);
  if (bare !== undefined && Number.isFinite(bare)) return { concentration: bare * scales.concentration, rest: "" };
  if (/\b(blank|buffer)\b/i.test(name)) return { concentration: 0, rest: "" };
  return { concentration: undefined, rest: name };
}

/** Returns the curve of each column: the rest of its name, if that groups several concentrations. */
function curvesOf(named: readonly { readonly concentration: number | undefined; readonly rest: string }[]): string[] {
  const rests = named.map(({ rest }) => rest.replaceAll(/[\s_.()[\],;:-]+/g, " ").trim());
  const isGroup = [...new Set(rests)].every((rest) => {
    const own = named.filter((_one, at) => rests[at] === rest).map(({ concentration }) => concentration);
    return new Set(own).size > 1 || own[0] === undefined;
  });
  return isGroup ? rests : rests.map(() => "");
}
