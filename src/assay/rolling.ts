// The rolling median of a curve, and the step at each of its points: what a person looks at to find a change by eye.
import { medianOf } from "../measurement/statistics.ts";

/** A window with fewer than this share of its frames measured has no median. */
const LEAST_SHARE = 0.5;

/**
 * The median of `frames` values around each one; of an even number one more before it than after it, as pandas'
 * `rolling(frames, center=True)`. NaN where the window reaches beyond the ends, or holds too few values that are numbers.
 */
export function rollingMedian(values: Float64Array, frames: number): Float64Array {
  const before = Math.floor(frames / 2);
  return values.map((_value, at) => medianIn(values, at - before, frames));
}

/**
 * The step at each value: the median of the `frames` values from it on minus the median of the `frames` values before it. NaN
 * where one of them is not known.
 */
export function rollingDifference(values: Float64Array, frames: number): Float64Array {
  const medians = values.map((_value, at) => medianIn(values, at, frames));
  return medians.map((after, at) => (at < frames ? Number.NaN : after - (medians[at - frames] as number)));
}

function medianIn(values: Float64Array, from: number, frames: number): number {
  if (from < 0 || from + frames > values.length) return Number.NaN;
  const window = values.subarray(from, from + frames);
  const known = window.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  return known < LEAST_SHARE * frames ? Number.NaN : medianOf(window);
}
