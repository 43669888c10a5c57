// What is drawn of a curve instead of its values: their rolling median, or how far it steps at each frame.
import { rollingDifference, rollingMedian } from "../assay/rolling.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import type { CurveData } from "./decimate.ts";

/** The values as measured, and what can be shown in their place. */
export const SHOWN = ["measured", "median", "difference"] as const;
/** Frames of the longest rolling median. */
export const MOST_ROLLING = 1000;

export interface Rolling {
  readonly show: "median" | "difference";
  readonly frames: number;
}

/**
 * The curve to draw from `fromUs` to `toUs`: rolled from its sound values, without errors, because medians of overlapping windows are
 * not independent. The curve itself without `rolling`.
 */
export function rolled(curve: CurveData, rolling: Rolling | undefined, fromUs: number, toUs: number): CurveData {
  if (rolling === undefined) return curve;
  const { show, frames } = rolling;
  const first = Math.max(0, lowerBound(curve.timesUs, fromUs) - frames - 1);
  const end = Math.min(curve.timesUs.length, lowerBound(curve.timesUs, toUs) + frames + 1);
  const sound = Float64Array.from({ length: end - first }, (_v, i) =>
    curve.flags[first + i] === 0 ? (curve.values[first + i] as number) : Number.NaN,
  );
  const values = show === "median" ? rollingMedian(sound, frames) : rollingDifference(sound, frames);
  return { timesUs: curve.timesUs.slice(first, end), values, flags: new Uint8Array(values.length) };
}
