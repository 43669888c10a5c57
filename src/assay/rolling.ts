// Computes the rolling median of a curve, and the step at each of its points, so that users can find changes by eye.
import { medianOf } from "../measurement/statistics.ts";

/** Minimum share of valid values in a window; with fewer there is no median. */
const LEAST_SHARE = 0.5;

/**
 * Returns the median of `frames` values around each one. For an even number there is one more before than after it, as in
 * pandas' `rolling(frames, center=True)`. NaN if the window extends beyond the ends, or contains too few valid values.
 */
export function rollingMedian(values: Float64Array, frames: number): Float64Array {
  const before = Math.floor(frames / 2);
  return values.map((_value, at) => medianIn(values, at - before, frames));
}

/**
 * Returns the step at each value: the median of the `frames` values from it on minus the median of the `frames` values before
 * it. NaN if one of them is unknown.
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
