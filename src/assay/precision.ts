// How quiet a curve is: noise, drift and the smallest change it can tell, each with its own uncertainty, and whether the
// window it was found in is a baseline. From the sound points of a window. The statistics: docs/statistics.md.

import { medianOf } from "../measurement/statistics.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { type BaselineWarning, baselineWarningsOf } from "./baseline-warnings.ts";
import { frameNoise, ROUNDING } from "./frame-noise.ts";
import { soundPoints, type Trace } from "./sensorgram.ts";
import { type Trend, trendOf } from "./trend.ts";

export interface Precision {
  /** Points that have a say, and flagged or missing ones left out. */
  readonly points: number;
  readonly excluded: number;
  /**
   * Standard deviation from frame to frame, of the differences between neighbouring frames, so that slow change does not
   * count; wild differences are left out. Unbiased. NaN below three such differences, and where it would be zero. In the
   * unit of the curve.
   */
  readonly noise: number;
  /** Its standard error. */
  readonly noiseError: number;
  /** The same with wild differences; larger than `noise` where there are any. */
  readonly noisePlain: number;
  /** Per hour, of a straight line without wild points; NaN below three points. */
  readonly driftPerHour: number;
  /** Half the widths of the intervals about it that hold the true drift with 68 and 95 %, also where frames are alike. */
  readonly driftError: number;
  readonly driftError95: number;
  /** Smallest change that can be distinguished from noise: three times the noise. */
  readonly detectionLimit: number;
  /** Its standard error. */
  readonly detectionLimitError: number;
  /**
   * Most frames repeat the one before exactly: a frozen camera, one picture replayed, or positions in whole pixels. How
   * precise the curve is cannot be known then, and a noise of zero would say that it is perfect.
   */
  readonly repeats: boolean;
  /** Why the window is no baseline; empty where nothing speaks against it. */
  readonly doubts: readonly BaselineWarning[];
}

/** Noises a change must exceed to be detected. */
const DETECTION = 3;
const US_PER_HOUR = 3.6e9;
const UNKNOWN_TREND: Trend = {
  slope: Number.NaN,
  error: Number.NaN,
  error95: Number.NaN,
  doubt: Number.NaN,
  kept: new Int32Array(0),
};

/** For people: what the two errors of a curve are. The web page says the same (src/web/app/format.ts). */
export const TWO_ERRORS =
  "The standard error of a position comes from its fit in one image and includes what stays the same in all of them, such as the speckle of the grating." +
  " Noise is what moves from frame to frame: judge shifts and the limit of detection by it.";

/** For people: why there is no noise of `curves` curves. */
export function repeatsLine(curves: number): string {
  const what = curves === 1 ? "1 curve repeats its" : `${curves} curves repeat their`;
  return `${what} values exactly from frame to frame, so noise and limit of detection are unknown. Check whether the camera is frozen or replays an image`;
}

/**
 * Noise, drift and limit of detection of a curve within a window. `injectionsUs`: moments that no baseline may hold;
 * `errors`: standard errors of the values where they are known, which tell drift from wander in a short window.
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

/** A size in px as one in RIU, with its standard error; a sensitivity without an error counts as exact. */
export function inRiu(
  px: number,
  errorPx: number,
  { pxPerRiu, errorPxPerRiu = 0 }: Sensitivity,
): { readonly value: number; readonly error: number } {
  const value = px / pxPerRiu;
  return { value, error: Math.hypot(errorPx, value * errorPxPerRiu) / pxPerRiu };
}

/** The sensitivity of the sum of two halves: twice that of each. */
export function ofSum({ pxPerRiu, errorPxPerRiu }: Sensitivity): Sensitivity {
  return { pxPerRiu: 2 * pxPerRiu, errorPxPerRiu: errorPxPerRiu === undefined ? undefined : 2 * errorPxPerRiu };
}

/** Movement of a resonance per change of refractive index, and its standard error. */
export interface Sensitivity {
  readonly pxPerRiu: number;
  readonly errorPxPerRiu?: number | undefined;
}
