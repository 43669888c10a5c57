// Reads and writes injections as CSV: one written by `phorest injections list --csv`, by a spreadsheet, or by a pump's program.
import { writeToString } from "fast-csv";
import { Failure } from "../failure/failure.ts";
import type { Injection, NewInjection } from "../manifest/injections.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { CONCENTRATION_UNITS, concentrationText } from "../measurement/concentration.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { type CsvLine, csvLines } from "./csv-rows.ts";
import { type GivenValues, InjectionValues } from "./injection-values.ts";

/** The accepted names of the columns; the first of each is written. */
const COLUMNS: Readonly<Record<keyof GivenValues, readonly string[]>> = {
  cycle: ["cycle"],
  solution: ["solution", "name"],
  type: ["type"],
  concentration: ["concentration"],
  "refractive-index": ["refractive_index"],
  start: ["start", "time"],
  end: ["end"],
  duration: ["duration_s", "duration"],
  "dissociation-end": ["dissociation_end"],
  dissociation: ["dissociation_s", "dissociation"],
  note: ["note"],
};
const UNIT_COLUMNS = ["unit", "concentration_unit"];
const NUMBER = /^[-+\d.,eE]+$/;

/**
 * Parses the injections in a CSV. `firstUs`: time of the first frame; `zone`: time zone of times without one. Failure
 * `usage.invalid` names the file and the line.
 */
export async function parseInjections(
  csv: string,
  where: string,
  firstUs: number | undefined,
  zone: TimeZone,
): Promise<NewInjection[]> {
  const { names, lines } = await csvLines(csv, where);
  for (const key of ["solution", "start"] as const) {
    if (COLUMNS[key].some((name) => names.includes(name))) continue;
    throw new Failure(
      "usage.invalid",
      `${where}: line 1 must name the columns solution, start, and end or duration_s`,
      {
        hint: "for example: solution,concentration,start,duration_s and then antibody,50 nM,600,180",
      },
    );
  }
  const injections = lines.map((line) => new InjectionValues(valuesOf(line), columnNames(line), firstUs, zone).all());
  if (injections.length === 0) throw new Failure("usage.invalid", `${where}: there are no injections in this file`);
  return injections;
}

function valuesOf(line: CsvLine): GivenValues {
  const given = Object.fromEntries(Object.entries(COLUMNS).map(([key, names]) => [key, line.cell(...names)]));
  return { ...given, concentration: withUnit(line) } as GivenValues;
}

/** A number without a unit gets the unit in its own column. */
function withUnit(line: CsvLine): string | undefined {
  const [concentration, unit] = [line.cell(...COLUMNS.concentration), line.cell(...UNIT_COLUMNS)];
  if (concentration === undefined || !NUMBER.test(concentration)) return concentration;
  if (unit !== undefined) return `${concentration} ${unit}`;
  if (Number(concentration.replace(",", ".")) === 0) return "0 M";
  throw new Failure("usage.invalid", `${line.where}: the concentration ${concentration} has no unit`, {
    hint: `write it as "50 nM", or add a column unit (${CONCENTRATION_UNITS.join(", ")})`,
  });
}

function columnNames({ where }: CsvLine) {
  const named = Object.entries(COLUMNS).map(([key, [name]]) => [key, `${where}: ${name}`]);
  return Object.fromEntries(named) as Record<keyof GivenValues, string>;
}

const WRITTEN = [
  "cycle",
  "solution",
  "type",
  "concentration",
  "refractive_index",
  "start",
  "end",
  "dissociation_end",
  "note",
];

/** Returns the CSV of injections; times in UTC. */
export function injectionsCsv(injections: readonly Injection[]): Promise<string> {
  const rows = injections.map((injection) => [
    injection.injectionId,
    injection.cycle,
    safeText(injection.solution),
    injection.type,
    injection.concentration === null ? "" : concentrationText(injection.concentration),
    injection.refractiveIndex ?? "",
    isoFromUs(injection.startUs),
    isoFromUs(injection.endUs),
    injection.dissociationEndUs === null ? "" : isoFromUs(injection.dissociationEndUs),
    safeText(injection.note),
  ]);
  return writeToString([["id", ...WRITTEN], ...rows], { headers: false, includeEndRowDelimiter: true });
}
