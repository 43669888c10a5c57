// Computes the precision of a curve from the valid points of a window: noise, drift and the limit of detection, each with its
// uncertainty, and whether the window is a usable baseline. docs/statistics.md describes the statistics.

import { medianOf } from "../measurement/statistics.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { type BaselineWarning, baselineWarningsOf } from "./baseline-warnings.ts";
import { frameNoise, ROUNDING } from "./frame-noise.ts";
import { soundPoints, type Trace } from "./sensorgram.ts";
import { type Trend, trendOf } from "./trend.ts";

export interface Precision {
  /** Number of points used, and of those left out because they are flagged or missing. */
  readonly points: number;
  readonly excluded: number;
  /**
   * Frame-to-frame standard deviation, from the differences between neighbouring frames, so that slow change does not count;
   * outliers are left out. Unbiased. NaN below three such differences, and if it would be zero. In the unit of the curve.
   */
  readonly noise: number;
  /** Its standard error. */
  readonly noiseError: number;
  /** The same including outliers; larger than `noise` if there are any. */
  readonly noisePlain: number;
  /** Slope of a straight line without outliers, per hour; NaN below three points. */
  readonly driftPerHour: number;
  /** Half the widths of the intervals around it that contain the true drift with 68 and 95 %, also if frames are correlated. */
  readonly driftError: number;
  readonly driftError95: number;
  /** Smallest change that can be distinguished from noise: three times the noise. */
  readonly detectionLimit: number;
  /** Its standard error. */
  readonly detectionLimitError: number;
  /**
   * Whether most frames repeat the previous one exactly: a frozen camera, a repeated picture, or positions in whole pixels.
   * Then the precision cannot be known, and a noise of zero would suggest that it is perfect.
   */
  readonly repeats: boolean;
  /** Why the window is not a usable baseline; empty if nothing is wrong. */
  readonly doubts: readonly BaselineWarning[];
}

/** Multiple of the noise that a change must exceed to be detected. */
const DETECTION = 3;
const US_PER_HOUR = 3.6e9;
const UNKNOWN_TREND: Trend = {
  slope: Number.NaN,
  error: Number.NaN,
  error95: Number.NaN,
  doubt: Number.NaN,
  kept: new Int32Array(0),
};

/** Explains the two errors of a curve to the user. The web page says the same (src/web/app/format.ts). */
export const TWO_ERRORS =
  "The standard error of a position comes from its fit in one image and includes what stays the same in all of them, such as the speckle of the grating." +
  " Noise is what moves from frame to frame: judge shifts and the limit of detection by it.";

/** Explains why `curves` curves have no noise value. */
export function repeatsLine(curves: number): string {
  const what = curves === 1 ? "1 curve repeats its" : `${curves} curves repeat their`;
  return `${what} values exactly from frame to frame, so noise and limit of detection are unknown. Check whether the camera is frozen or replays an image`;
}

/**
 * Computes noise, drift and limit of detection of a curve within a window. `injectionsUs`: times that a baseline must not
 * contain; `errors`: standard errors of the values, if known, which distinguish drift from wander in a short window.
 */
export function precisionOf(
  trace: Trace,
  window: TimeWindow,
  injectionsUs: readonly number[] = [],
  errors?: Float64Array,
): Precision {
  const { timesUs, values, index, excluded } = soundPoints(trace, window);
  const { noise, noiseError, plain, repeats } = frameNoise(values, index);
  const isStill = values.length > 3 && values.every((value) => Math.abs(value - (values[0] as number)) <= ROUNDING);
  const trend = isStill ? UNKNOWN_TREND : trendOf(timesUs, values);
  const kept = (of: Float64Array) => Float64Array.from(trend.kept, (i) => of[i] as number);
  const usualError = medianOf(Float64Array.from(index, (at) => errors?.[at] ?? Number.NaN));
  const isHeld = injectionsUs.some((atUs) => atUs > window.fromUs && atUs < window.toUs);
  return {
    points: index.length,
    excluded,
    noise,
    noiseError,
    noisePlain: plain,
    driftPerHour: trend.slope * US_PER_HOUR,
    driftError: trend.error * US_PER_HOUR,
    driftError95: trend.error95 * US_PER_HOUR,
    detectionLimit: DETECTION * noise,
    detectionLimitError: DETECTION * noiseError,
    repeats,
    doubts: [
      ...baselineWarningsOf({ times: kept(timesUs), values: kept(values), noise, trend, usualError }),
      ...(isHeld ? (["injection"] as const) : []),
    ],
  };
}

/** Converts a size in px to RIU, with its standard error; a sensitivity without an error counts as exact. */
export function inRiu(
  px: number,
  errorPx: number,
  { pxPerRiu, errorPxPerRiu = 0 }: Sensitivity,
): { readonly value: number; readonly error: number } {
  const value = px / pxPerRiu;
  return { value, error: Math.hypot(errorPx, value * errorPxPerRiu) / Math.abs(pxPerRiu) };
}

/** Returns the sensitivity of a curve times a factor. */
export function scaledSensitivity({ pxPerRiu, errorPxPerRiu }: Sensitivity, factor: number): Sensitivity {
  return {
    pxPerRiu: factor * pxPerRiu,
    errorPxPerRiu: errorPxPerRiu === undefined ? undefined : factor * errorPxPerRiu,
  };
}

/**
 * Returns the sensitivity of the mean of several curves; undefined if that of any of them is unknown. Equal ones are one
 * configured value, whose error is common to all.
 */
export function meanSensitivity(members: readonly (Sensitivity | undefined)[]): Sensitivity | undefined {
  const known = members.filter((one) => one !== undefined);
  const [first] = known;
  if (first === undefined || known.length < members.length) return undefined;
  const isSame = ({ pxPerRiu, errorPxPerRiu }: Sensitivity) =>
    pxPerRiu === first.pxPerRiu && errorPxPerRiu === first.errorPxPerRiu;
  if (known.every(isSame)) return first;
  const count = known.length;
  const squares = known.reduce((sum, { errorPxPerRiu = 0 }) => sum + errorPxPerRiu ** 2, 0);
  return {
    pxPerRiu: known.reduce((sum, { pxPerRiu }) => sum + pxPerRiu, 0) / count,
    errorPxPerRiu: Math.sqrt(squares) / count,
  };
}

/** Shift of a resonance per change of refractive index, and its standard error. */
export interface Sensitivity {
  readonly pxPerRiu: number;
  readonly errorPxPerRiu?: number | undefined;
}
