// Curves of `phorest sensorgram` as CSV and as lines of JSON: every frame, and the standard error of every number.
import { writeToString } from "fast-csv";
import type { Sensorgrams } from "../assay/sensorgrams.ts";
import type { NewMarker } from "../manifest/markers.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { flagNames } from "../measurement/method.ts";
import { FrameColumns, type FrameFacts } from "../outputs/csv/file/frame-columns.ts";
import { markedFrames } from "../outputs/csv/file/markers.ts";
import { safeText } from "../outputs/csv/file/text.ts";

/** `standard_error_px` is that of the position; the errors of what is made of it have columns of their own. */
const COLUMNS = [
  ...["timestamp", "label", "position_px", "standard_error_px", "shift_px", "movement_px", "referenced_px"],
  ...["double_referenced_px", "smoothed_px", "riu", "shift_standard_error_px", "movement_standard_error_px"],
  ...["referenced_standard_error_px", "double_referenced_standard_error_px", "smoothed_standard_error_px"],
  ...["riu_standard_error", "flags", "marker"],
];

/** What the curves do not say themselves. */
export interface Beside {
  readonly markers: readonly NewMarker[];
  readonly frames: FrameFacts;
}

/** A marker stands at the first frame of each curve at or after its time. */
export async function* curvesCsv(sensorgrams: Sensorgrams, { markers, frames }: Beside): AsyncGenerator<string> {
  const form = { headers: false, includeEndRowDelimiter: true };
  const columns = new FrameColumns(frames);
  yield await writeToString([[...COLUMNS, ...columns.header]], form);
  for (const curve of sensorgrams.curves()) {
    const { errors } = curve;
    const px = [curve.position, curve.standardError, curve.shift, curve.movement, curve.referenced];
    px.push(curve.doubleReferenced, curve.smoothed);
    const errorsPx = [errors.shift, errors.movement, errors.referenced, errors.doubleReferenced, errors.smoothed];
    const marked = markedFrames(curve.timesUs, markers);
    const lines = Array.from(curve.timesUs, (timeUs, at) => [
      isoFromUs(timeUs),
      safeText(curve.label),
      ...px.map((values) => cell(values?.[at], 5)),
      cell(curve.riu?.[at], 10),
      ...errorsPx.map((values) => cell(values?.[at], 5)),
      cell(errors.riu?.[at], 10),
      flagNames(curve.flags[at] ?? 0).join("|"),
      marked.get(at) ?? "",
      ...columns.cells(timeUs),
    ]);
    if (lines.length > 0) yield await writeToString(lines, form);
  }
}

/** Empty where there is no number. */
function cell(value: number | undefined, decimals: number): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(decimals)));
}

/** One line for each curve; NaN is null. */
export function* curvesJson(sensorgrams: Sensorgrams, { markers, frames }: Beside): Generator<string> {
  const { firstUs, guessed, simulated } = frames;
  const marked = markers.map(({ atUs, text }) => ({ timestamp: isoFromUs(atUs), text }));
  for (const curve of sensorgrams.curves()) {
    const { label, reference, timesUs, flags, errors } = curve;
    yield `${JSON.stringify({
      label,
      line: curve.line ?? null,
      reference,
      timestamp: Array.from(timesUs, isoFromUs),
      elapsed_s: Array.from(timesUs, (timeUs) => (firstUs === undefined ? null : (timeUs - firstUs) / 1e6)),
      time_guessed: Array.from(timesUs, (timeUs) => guessed.has(timeUs)),
      position_px: plain(curve.position),
      standard_error_px: plain(curve.standardError),
      shift_px: plain(curve.shift),
      movement_px: plain(curve.movement),
      referenced_px: plain(curve.referenced),
      double_referenced_px: plain(curve.doubleReferenced),
      smoothed_px: plain(curve.smoothed),
      riu: plain(curve.riu),
      shift_standard_error_px: plain(errors.shift),
      movement_standard_error_px: plain(errors.movement),
      referenced_standard_error_px: plain(errors.referenced),
      double_referenced_standard_error_px: plain(errors.doubleReferenced),
      smoothed_standard_error_px: plain(errors.smoothed),
      riu_standard_error: plain(errors.riu),
      flags: Array.from(flags, flagNames),
      simulated: Array.from(timesUs, (timeUs) => simulated.has(timeUs)),
      markers: marked,
    })}\n`;
  }
}

function plain(values: Float64Array | undefined): number[] | null {
  return values === undefined ? null : Array.from(values);
}
