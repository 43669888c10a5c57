// Writes curves of `phorest sensorgram` as CSV and as lines of JSON: every frame, and the standard error of every number.
import type { Sensorgrams } from "../assay/sensorgrams.ts";
import { isoFromUs, lowerBound } from "../manifest/timestamps.ts";
import { flagNames } from "../measurement/method.ts";
import { ALWAYS, type TimeWindow } from "../measurement/time-window.ts";
import { type Beside, CurveLines } from "../outputs/csv/file/curve-lines.ts";

/** Yields the curves, then the means of their groups, for the frames within a window. */
export async function* curvesCsv(
  sensorgrams: Sensorgrams,
  beside: Beside,
  window: TimeWindow = ALWAYS,
): AsyncGenerator<string> {
  const lines = new CurveLines(beside);
  yield await lines.header();
  for (const curve of sensorgrams.curves()) yield await lines.of(curve, ...rangeOf(curve.timesUs, window));
  for (const group of sensorgrams.groupCurves()) yield await lines.of(group, ...rangeOf(group.timesUs, window));
}

function rangeOf(timesUs: Float64Array, { fromUs, toUs }: TimeWindow): [number, number] {
  return [lowerBound(timesUs, fromUs), lowerBound(timesUs, toUs)];
}

/** Yields one line per curve; NaN becomes null. */
export function* curvesJson(
  sensorgrams: Sensorgrams,
  { markers, frames }: Beside,
  window: TimeWindow = ALWAYS,
): Generator<string> {
  const { firstUs, guessed, simulated } = frames;
  const marked = markers.map(({ atUs, text }) => ({ timestamp: isoFromUs(atUs), text }));
  for (const curve of sensorgrams.curves()) {
    const { label, reference, errors } = curve;
    const [first, end] = rangeOf(curve.timesUs, window);
    const [timesUs, flags] = [curve.timesUs.subarray(first, end), curve.flags.subarray(first, end)];
    const plain = (values: Float64Array | undefined) =>
      values === undefined ? null : Array.from(values.subarray(first, end));
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
