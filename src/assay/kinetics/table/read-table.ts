// Reads a table of sensorgrams from any instrument, long or wide, as curve sets, with messages for the user.

import { createHash } from "node:crypto";
import { Failure } from "../../../failure/failure.ts";
import { type ConcentrationUnit, IN_MOLAR } from "../../../measurement/concentration.ts";
import { counted } from "../../../system/counted.ts";
import type { CurveCycle, CurveSet, InjectionWindow } from "../curve-set.ts";
import { withoutBlanks } from "./blanks.ts";
import { type Cells, cellsOf } from "./cells.ts";
import { columnsOf, namedColumns } from "./columns.ts";
import { findWindow } from "./detection.ts";
import { longCycles } from "./long.ts";
import { implausible } from "./plausible.ts";
import { type RawCycle, type Tally, tidied } from "./raw-curves.ts";
import { concentrationUnitIn, TIME_UNITS, type TimeUnit, timeUnitIn } from "./units.ts";
import { wideCycles } from "./wide.ts";
import { type GivenWindows, givenWindows, highest, noConcentration } from "./windows.ts";

export interface TableOptions {
  /** Units; undefined: those in the names of the columns, otherwise s and M. */
  readonly timeUnit?: TimeUnit | undefined;
  readonly concentrationUnit?: ConcentrationUnit | undefined;
  /** As typed: "time=t,response=RU". */
  readonly columns?: string | undefined;
  /** In the table's unit of time, and M. */
  readonly associations?: readonly (readonly [number, number])[];
  readonly dissociation?: readonly [number, number] | undefined;
  /** In the table's unit of concentration. */
  readonly concentrations?: readonly number[];
  /** Whether cycles of concentration 0 are subtracted from the others. */
  readonly subtractBlanks?: boolean;
  /** Whether concentrations are required (not for a dissociation). */
  readonly needsConcentration?: boolean;
}

export interface Table {
  readonly sets: readonly CurveSet[];
  readonly tally: Readonly<Tally>;
  readonly timeUnit: TimeUnit;
  readonly concentrationUnit: ConcentrationUnit;
  /** What was assumed or found, one sentence each. */
  readonly notes: readonly string[];
  readonly sha256: string;
}

/** Reads the text of a table. `where`: its name. Failure `usage.invalid` names the line and the remedy. */
export async function readTable(text: string, where: string, options: TableOptions = {}): Promise<Table> {
  const cells = await cellsOf(text, where);
  const notes: string[] = [];
  const columns = columnsOf(cells.header, namedColumns(options.columns), where);
  const units = unitsOf(cells, columns?.time, columns?.concentration, options, notes);
  const scales = { time: TIME_UNITS[units.timeUnit], concentration: IN_MOLAR[units.concentrationUnit] };
  const wide = columns === undefined ? wideCycles(cells, scales, where) : undefined;
  if (columns === undefined && wide === undefined) throw unreadable(cells, where);
  if (wide !== undefined && wide.leftOut.length > 0)
    notes.push(`left out fitted curves of another program: ${wide.leftOut.join(", ")}`);
  const raw = columns === undefined ? (wide?.cycles ?? []) : longCycles(cells, columns, scales, where);
  const tally: Tally = { missing: 0, duplicates: 0, unsorted: 0 };
  const cycles = raw.map((cycle) => tidied(cycle, tally)).filter(({ points }) => points.length > 0);
  if (cycles.length === 0) {
    throw new Failure("usage.invalid", `${where}: no line has both a time and a response`, {
      hint: "name the columns with --columns time=..,response=..",
    });
  }
  checkConcentrations(cycles, where);
  notes.push(...implausible(cycles));
  const given: GivenWindows = {
    associations: (options.associations ?? []).map(([from, to]) => [from * scales.time, to * scales.time]),
    dissociation: scaled(options.dissociation, scales.time),
    concentrations: (options.concentrations ?? []).map((value) => value * scales.concentration),
  };
  const sets = [...new Set(cycles.map(({ curve }) => curve))].map((curve) => {
    const own = cycles.filter((cycle) => cycle.curve === curve);
    return setOf(curve, own, given, options, notes, where);
  });
  noteTally(tally, notes);
  return { sets, tally, ...units, notes, sha256: createHash("sha256").update(text).digest("hex") };
}

function scaled(window: readonly [number, number] | undefined, scale: number): readonly [number, number] | undefined {
  return window === undefined ? undefined : [window[0] * scale, window[1] * scale];
}

function unitsOf(
  { header }: Cells,
  timeAt: number | undefined,
  concentrationAt: number | undefined,
  options: TableOptions,
  notes: string[],
): { timeUnit: TimeUnit; concentrationUnit: ConcentrationUnit } {
  const timeName = header[timeAt ?? 0] ?? "";
  const concentrationName = concentrationAt === undefined ? undefined : header[concentrationAt];
  const time = options.timeUnit ?? timeUnitIn(timeName);
  const concentration =
    options.concentrationUnit ?? (concentrationName === undefined ? undefined : concentrationUnitIn(concentrationName));
  if (time === undefined) notes.push("the table names no unit of time: taken as s (--time-unit)");
  if (concentration === undefined && concentrationName !== undefined) {
    notes.push("the table names no unit of concentration: taken as M (--concentration-unit)");
  }
  return { timeUnit: time ?? "s", concentrationUnit: concentration ?? "M" };
}

function unreadable({ header, headerLine }: Cells, where: string): Failure {
  return new Failure("usage.invalid", `${where}: line ${headerLine} does not name the columns time and response`, {
    hint: `its columns are ${header.slice(0, 6).join(", ")}; name them with --columns time=..,response=..,concentration=..`,
  });
}

function checkConcentrations(cycles: readonly RawCycle[], where: string): void {
  const negative = cycles.find(({ points }) => points.some(({ concentration = 0 }) => concentration < 0));
  if (negative === undefined) return;
  throw new Failure("usage.invalid", `${where}: a concentration of ${negative.name} is negative`, {
    hint: "correct the column concentration",
  });
}

function setOf(
  curve: string,
  cycles: readonly RawCycle[],
  given: GivenWindows,
  options: TableOptions,
  notes: string[],
  where: string,
): CurveSet {
  const named = cycles.map((cycle) => ({ cycle, windows: givenWindows(cycle, given, where) }));
  const found = named.some(({ windows }) => windows === undefined)
    ? search(curve, cycles, given, options, notes, where)
    : undefined;
  const untilS = given.dissociation?.[1];
  const curveCycles = named.map(({ cycle, windows }): CurveCycle => {
    const injections = windows ?? [
      { ...(found as Omit<InjectionWindow, "concentration">), concentration: highest(cycle) ?? 0 },
    ];
    return curveCycle(cycle, injections, untilS);
  });
  const set = { name: curve === "" ? "all" : curve, cycles: curveCycles };
  if (options.subtractBlanks === false) return set;
  const referenced = withoutBlanks(set);
  if (referenced.used.length > 0)
    notes.push(`${set.name}: subtracted the mean of the blanks ${referenced.used.join(", ")}`);
  if (referenced.noisy.length > 0) notes.push(`${set.name}: left out noisy blanks ${referenced.noisy.join(", ")}`);
  return referenced.set;
}

function search(
  curve: string,
  cycles: readonly RawCycle[],
  given: GivenWindows,
  { needsConcentration = true }: TableOptions,
  notes: string[],
  where: string,
): Omit<InjectionWindow, "concentration"> {
  const missing = cycles.find((cycle) => highest(cycle) === undefined);
  if (missing !== undefined && needsConcentration) throw noConcentration(missing, where);
  const plain = cycles.map((cycle) => curveCycle(cycle, [], undefined));
  const found = findWindow(
    plain,
    cycles.map((cycle) => highest(cycle) ?? 1),
  );
  const name = curve === "" ? "the curves" : curve;
  if (found === undefined) {
    throw new Failure("usage.invalid", `${where}: no association was found in ${name}`, {
      hint: "give --association FROM..TO in the table's unit of time",
    });
  }
  const endS = given.dissociation?.[0] ?? found.endS;
  notes.push(
    `${name}: found an association from ${round(found.startS)} s to ${round(endS)} s (--association changes it)`,
  );
  return { startS: found.startS, endS };
}

const round = (seconds: number) => Number(seconds.toPrecision(6));

function curveCycle(
  { name, points }: RawCycle,
  injections: readonly InjectionWindow[],
  untilS = Number.POSITIVE_INFINITY,
): CurveCycle {
  const kept = points.filter(({ timeS }) => timeS <= untilS);
  const hasErrors = kept.every(({ error }) => error !== undefined && error > 0);
  return {
    name,
    timesS: Float64Array.from(kept, ({ timeS }) => timeS),
    responses: Float64Array.from(kept, ({ response }) => response),
    errors: hasErrors ? Float64Array.from(kept, ({ error }) => error as number) : undefined,
    injections,
  };
}

function noteTally({ missing, duplicates, unsorted }: Tally, notes: string[]): void {
  if (missing > 0) notes.push(`left out ${counted(missing, "point")} without a number`);
  if (duplicates > 0) notes.push(`averaged ${counted(duplicates, "point")} with the time of another point`);
  if (unsorted > 0) notes.push(`put ${counted(unsorted, "point")} into the order of time`);
}
