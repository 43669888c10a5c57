// Reads long tables: one line per point, with named columns.
import type { Cells } from "./cells.ts";
import { numberAt } from "./cells.ts";
import type { Columns } from "./columns.ts";
import type { RawCycle, RawPoint } from "./raw-curves.ts";

export interface Scales {
  /** Seconds per unit of time of the table, M per unit of concentration. */
  readonly time: number;
  readonly concentration: number;
}

/**
 * Minimum number of points per sensorgram. A new sensorgram begins where time jumps back, but in an unsorted table it does so
 * all the time.
 */
const FEWEST_POINTS = 5;

/** Returns the sensorgrams of a long table. */
export function longCycles(cells: Cells, columns: Columns, scales: Scales, where: string): RawCycle[] {
  const curves = new Map<string, Map<string, RawPoint[]>>();
  cells.rows.forEach((row, at) => {
    const text = (column: number | undefined) => (column === undefined ? "" : (row[column] ?? "").trim());
    const value = (column: number | undefined, what: string, scale: number) => {
      if (column === undefined) return undefined;
      return numberAt(cells, at, column, what, where) * scale;
    };
    const point: RawPoint = {
      timeS: value(columns.time, "time", scales.time) ?? Number.NaN,
      response: value(columns.response, "response", 1) ?? Number.NaN,
      error: value(columns.standard_error, "standard error", 1),
      concentration: value(columns.concentration, "concentration", scales.concentration),
      phase: columns.phase === undefined ? undefined : text(columns.phase).toLowerCase(),
      startS: value(columns.association_start, "start of the association", scales.time),
      endS: value(columns.association_end, "end of the association", scales.time),
    };
    const cycles = mapAt(curves, text(columns.curve), () => new Map<string, RawPoint[]>());
    mapAt(cycles, text(columns.cycle), () => []).push(point);
  });
  return [...curves].flatMap(([curve, cycles]) =>
    [...cycles].flatMap(([cycle, points]) => {
      if (columns.cycle !== undefined) return [{ name: `cycle ${cycle}`, curve, points }];
      return separated(points).map((list, at) => ({ name: `cycle ${at + 1}`, curve, points: list }));
    }),
  );
}

function mapAt<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** Separates the cycles of a curve without a cycle column: by jumps back in time, or by concentration. */
function separated(points: readonly RawPoint[]): RawPoint[][] {
  const blocks: RawPoint[][] = [];
  let beforeS = Number.POSITIVE_INFINITY;
  for (const point of points) {
    if (point.timeS < beforeS) blocks.push([]);
    blocks.at(-1)?.push(point);
    if (Number.isFinite(point.timeS)) beforeS = point.timeS;
  }
  const isOrdered = points.length >= FEWEST_POINTS * blocks.length;
  if (blocks.length > 1 && isOrdered) return blocks;
  const byConcentration = new Map<string, RawPoint[]>();
  for (const point of points) mapAt(byConcentration, String(point.concentration), () => []).push(point);
  return overlap([...byConcentration.values()]) ? [...byConcentration.values()] : [[...points]];
}

/** Whether the times of two concentrations overlap, so that they cannot belong to one cycle. */
function overlap(groups: readonly RawPoint[][]): boolean {
  if (groups.length < 2) return false;
  const times = groups.flatMap((group, which) => group.map(({ timeS }) => ({ timeS, which })));
  times.sort((a, b) => a.timeS - b.timeS);
  const changes = times.filter(({ which }, at) => at > 0 && which !== times[at - 1]?.which).length;
  // A titration has only a few changes, from one stretch to the next.
  return changes > 4 * groups.length;
}
