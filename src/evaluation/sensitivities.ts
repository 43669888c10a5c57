// Computes the sensitivity of each curve, px/RIU, from injections of known refractive index.
import { writeToString } from "fast-csv";
import { type CalibrationLine, calibrationLine } from "../assay/calibration-line.ts";
import { type Phases, responsesOf } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import { Failure } from "../failure/failure.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { medianOf } from "../measurement/statistics.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import type { InjectionCurves } from "./injection-curves.ts";
import { digits, numberOrNull } from "./numbers.ts";

export interface SensitivityRow {
  readonly label: string;
  /** Undefined with fewer than two levels. */
  readonly line: CalibrationLine | undefined;
}

/** Whether an injection is used for sensitivities. */
export const isCalibration = ({ injection }: Phases): boolean => injection.type === "calibration";

/** Returns the sensitivities curve by curve; `bufferIndex`: refractive index of the running buffer. */
export function sensitivitiesOf(given: InjectionCurves, bufferIndex: number | undefined): SensitivityRow[] {
  return [...given.curves()].map((curve) => ({ label: curve.label, line: lineOf(curve, given, bufferIndex) }));
}

/** Throws Failure `usage.invalid` if a number is not a refractive index. */
export function checkBufferIndex(index: number | undefined): void {
  if (index === undefined || (index >= 1 && index <= 3)) return;
  throw new Failure("usage.invalid", `--buffer-index needs a refractive index, not "${index}"`, {
    hint: "water has 1.333",
  });
}

/** Returns the calibration of a curve; undefined with fewer than two levels. */
export function lineOf(
  curve: WorkedSensorgram,
  { phases, windowUs }: InjectionCurves,
  bufferIndex?: number,
): CalibrationLine | undefined {
  const points = phases.flatMap((one) => {
    const { refractiveIndex } = one.injection;
    const late = responsesOf(curve, one, windowUs).find(({ point }) => point === "late");
    return refractiveIndex === null || late === undefined ? [] : [{ ...late, refractiveIndex }];
  });
  return calibrationLine(points, bufferIndex);
}

const COLUMNS = ["label", "px_per_riu", "standard_error", "levels", "injections", "reduced_chi_square", "flags"];

export function sensitivitiesCsv(found: readonly SensitivityRow[]): Promise<string> {
  const rows = found.map(({ label, line }) => [
    safeText(label),
    digits(line?.pxPerRiu ?? Number.NaN, 7),
    digits(line?.error ?? Number.NaN, 4),
    line?.levels ?? 0,
    line?.points ?? 0,
    digits(line?.reducedChiSquare ?? Number.NaN, 4),
    line?.flags.join("|") ?? "no_levels",
  ]);
  return writeToString([COLUMNS, ...rows], { headers: false, includeEndRowDelimiter: true });
}

/** Returns a sensitivity in the form for other programs. */
export function sensitivityJson({ label, line }: SensitivityRow) {
  return {
    label,
    px_per_riu: line?.pxPerRiu ?? null,
    standard_error: line?.error ?? null,
    levels: line?.levels ?? 0,
    injections: line?.points ?? 0,
    reduced_chi_square: numberOrNull(line?.reducedChiSquare),
    flags: line?.flags ?? ["no_levels"],
  };
}

/** How the saved sensitivities were measured. */
export interface SensitivitySource {
  readonly experiment: string;
  readonly analysis: string;
  readonly bufferIndex: number | undefined;
  readonly madeAtUs: number;
}

/** Returns the content of the file that values in RIU are computed with (src/assay/sensitivity.ts). */
export function sensitivityFile(
  { experiment, analysis, bufferIndex, madeAtUs }: SensitivitySource,
  found: readonly SensitivityRow[],
): string {
  const source = { made_at: isoFromUs(madeAtUs), experiment, analysis, buffer_index: bufferIndex ?? null };
  return `${JSON.stringify({ ...source, curves: found.map(sensitivityJson) }, undefined, 1)}\n`;
}

/** Returns a summary of all curves as a line of text. */
export function sensitivityLine(found: readonly SensitivityRow[]): string {
  const lines = found.flatMap(({ line }) => line ?? []);
  if (lines.length === 0) {
    return "no grating has two levels of refractive index: inject a second solution, or give the refractive index of the running buffer";
  }
  const median = medianOf(Float64Array.from(lines, ({ pxPerRiu }) => pxPerRiu));
  const error = medianOf(Float64Array.from(lines, (line) => line.error));
  return `${lines.length} of ${found.length} curves: median ${digits(median, 5)} px/RIU, median error ${digits(error, 3)} px/RIU`;
}
