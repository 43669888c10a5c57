// What is shown as a CSV: every frame of the window, not only those that are drawn.
import { writeToString } from "fast-csv";
import { inRiu } from "../assay/precision.ts";
import type { DerivedErrors, WorkedSensorgram } from "../assay/sensorgrams.ts";
import { isoFromUs, lowerBound } from "../manifest/timestamps.ts";
import { flagNames } from "../measurement/method.ts";
import { FrameColumns } from "../outputs/csv/file/frame-columns.ts";
import { temperatureColumn } from "../outputs/csv/file/lines.ts";
import { markedFrames } from "../outputs/csv/file/markers.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { type CurvesQuery, MOST_CURVES } from "./curves.ts";
import type { Experiment } from "./experiment.ts";

const COLUMNS = [
  "timestamp",
  "label",
  "position_px",
  "standard_error_px",
  "shift_px",
  "result_px",
  "riu",
  "flags",
  "marker",
];
/** Behind the temperatures, so that the columns before keep their places. `standard_error_px` is that of the position. */
const ERROR_COLUMNS = ["shift_standard_error_px", "result_standard_error_px", "riu_standard_error"];

interface CsvCurve extends Pick<WorkedSensorgram, "label" | "timesUs" | "shift" | "result" | "riu" | "flags"> {
  readonly errors: Pick<DerivedErrors, "shift" | "result" | "riu">;
  /** Of a single ROI or grating. */
  readonly position?: Float64Array;
  readonly standardError?: Float64Array;
}

/**
 * Part by part: the curves in the order of the chip, then the groups.
 * A marker stands at the first frame of each at or after its time; the temperatures are those read nearest to the frame.
 */
export async function* curvesCsv(experiment: Experiment, query: CurvesQuery): AsyncGenerator<string> {
  const sensorgrams = experiment.sensorgrams(query);
  const sensors = experiment.temperatures.sensors();
  const frameColumns = new FrameColumns(experiment.frameFacts());
  const columns = [...COLUMNS, ...sensors.map(temperatureColumn), ...ERROR_COLUMNS, ...frameColumns.header];
  yield await writeToString([columns], FORM);
  let curves = 0;
  for (const curve of sensorgrams.curves()) {
    if (++curves > MOST_CURVES) break;
    yield await linesOf(experiment, { sensors, frameColumns }, query, curve);
  }
  const { sensitivity } = experiment;
  for (const group of await experiment.groups(query, sensorgrams.references)) {
    const { label, timesUs, flags, values, result, resultErrors } = group;
    const inUnit = sensitivity && Array.from(result, (px, at) => inRiu(px, resultErrors[at] as number, sensitivity));
    const riu = inUnit && Float64Array.from(inUnit, ({ value }) => value);
    const riuErrors = inUnit && Float64Array.from(inUnit, ({ error }) => error);
    const errors = { shift: group.errors, result: resultErrors, riu: riuErrors };
    yield await linesOf(experiment, { sensors, frameColumns }, query, {
      label,
      timesUs,
      flags,
      shift: values,
      result,
      riu,
      errors,
    });
  }
}

const FORM = { headers: false, includeEndRowDelimiter: true };

async function linesOf(
  experiment: Experiment,
  { sensors, frameColumns }: { readonly sensors: readonly string[]; readonly frameColumns: FrameColumns },
  query: CurvesQuery,
  curve: CsvCurve,
): Promise<string> {
  const { timesUs } = curve;
  const first = query.fromUs === undefined ? 0 : lowerBound(timesUs, query.fromUs);
  const end = query.toUs === undefined ? timesUs.length : lowerBound(timesUs, query.toUs);
  const marked = markedFrames(timesUs, experiment.events());
  const lines: string[][] = [];
  for (let at = first; at < end; at += 1) {
    lines.push([
      isoFromUs(timesUs[at] as number),
      safeText(curve.label),
      cell(curve.position?.[at], 5),
      cell(curve.standardError?.[at], 5),
      cell(curve.shift[at], 5),
      cell(curve.result[at], 5),
      cell(curve.riu?.[at], 10),
      flagNames(curve.flags[at] ?? 0).join("|"),
      marked.get(at) ?? "",
      ...sensors.map((sensor) => cell(experiment.temperatures.nearest(sensor, timesUs[at] as number), 3)),
      cell(curve.errors.shift[at], 5),
      cell(curve.errors.result[at], 5),
      cell(curve.errors.riu?.[at], 10),
      ...frameColumns.cells(timesUs[at] as number),
    ]);
  }
  return lines.length === 0 ? "" : writeToString(lines, FORM);
}

function cell(value: number | undefined, decimals: number): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(decimals)));
}
