// What is shown as a CSV: every frame of the window, not only those that are drawn.
import { writeToString } from "fast-csv";
import { flagNames } from "../analysis/method.ts";
import { markedFrames } from "../delivery/markers.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { type CurvesQuery, MOST_CURVES } from "./curves.ts";
import { lowerBound } from "./decimate.ts";
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

/** Part by part. A marker stands at the first frame of each curve at or after its time. */
export async function* curvesCsv(experiment: Experiment, query: CurvesQuery): AsyncGenerator<string> {
  const form = { headers: false, includeEndRowDelimiter: true };
  yield await writeToString([COLUMNS], form);
  let curves = 0;
  for (const curve of experiment.sensorgrams(query).curves()) {
    if (++curves > MOST_CURVES) return;
    const { timesUs } = curve;
    const first = query.fromUs === undefined ? 0 : lowerBound(timesUs, query.fromUs);
    const end = query.toUs === undefined ? timesUs.length : lowerBound(timesUs, query.toUs);
    const marked = markedFrames(timesUs, experiment.markers());
    const lines: string[][] = [];
    for (let at = first; at < end; at += 1) {
      lines.push([
        isoFromUs(timesUs[at] as number),
        curve.label,
        cell(curve.position[at], 5),
        cell(curve.standardError[at], 5),
        cell(curve.shift[at], 5),
        cell(curve.result[at], 5),
        cell(curve.riu?.[at], 10),
        flagNames(curve.flags[at] ?? 0).join("|"),
        marked.get(at) ?? "",
      ]);
    }
    if (lines.length > 0) yield await writeToString(lines, form);
  }
}

function cell(value: number | undefined, decimals: number): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(decimals)));
}
