// What is shown as a CSV: every frame of the window, not only those that are drawn.
import { writeToString } from "fast-csv";
import { flagNames } from "../analysis/method.ts";
import { safeText } from "../delivery/csv-text.ts";
import { markedFrames } from "../delivery/markers.ts";
import { temperatureColumn } from "../delivery/report.ts";
import type { WorkedSensorgram } from "../delivery/sensorgrams.ts";
import { isoFromUs, lowerBound } from "../manifest/timestamps.ts";
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

interface CsvCurve extends Pick<WorkedSensorgram, "label" | "timesUs" | "shift" | "result" | "riu" | "flags"> {
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
  yield await writeToString([[...COLUMNS, ...sensors.map(temperatureColumn)]], FORM);
  let curves = 0;
  for (const curve of sensorgrams.curves()) {
    if (++curves > MOST_CURVES) break;
    yield await linesOf(experiment, sensors, query, curve);
  }
  const { pxPerRiu } = experiment;
  for (const { values, ...group } of await experiment.groups(query, sensorgrams.references)) {
    const riu = pxPerRiu === undefined ? undefined : group.result.map((px) => px / pxPerRiu);
    yield await linesOf(experiment, sensors, query, { ...group, shift: values, riu });
  }
}

const FORM = { headers: false, includeEndRowDelimiter: true };

async function linesOf(
  experiment: Experiment,
  sensors: readonly string[],
  query: CurvesQuery,
  curve: CsvCurve,
): Promise<string> {
  const { timesUs } = curve;
  const first = query.fromUs === undefined ? 0 : lowerBound(timesUs, query.fromUs);
  const end = query.toUs === undefined ? timesUs.length : lowerBound(timesUs, query.toUs);
  const marked = markedFrames(timesUs, experiment.markers());
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
    ]);
  }
  return lines.length === 0 ? "" : writeToString(lines, FORM);
}

function cell(value: number | undefined, decimals: number): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(decimals)));
}
