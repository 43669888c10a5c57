// Computes what can be drawn instead of a curve's values: their rolling median, or the rolling difference, which shows steps.
import { rollingDifference, rollingMedian } from "../assay/rolling.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import type { CurveData } from "./decimate.ts";

/** The measured values, and what can be shown instead of them. */
export const SHOWN = ["measured", "median", "difference"] as const;
/** Maximum length of a rolling median, frames. */
export const MOST_ROLLING = 1000;

export interface Rolling {
  readonly show: "median" | "difference";
  readonly frames: number;
}

/**
 * Returns the curve to draw from `fromUs` to `toUs`: computed from its valid values, and without errors, because medians of
 * overlapping windows are not independent. Without `rolling`, returns the curve itself.
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
