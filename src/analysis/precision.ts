// How quiet a curve is: noise, drift and the smallest change it can tell. From the sound points of a window.

import { soundPoints, type TimeWindow, type Trace } from "./sensorgram.ts";
import { medianOf } from "./statistics.ts";

export interface Precision {
  /** Points that have a say, and flagged or missing ones left out. */
  readonly points: number;
  readonly excluded: number;
  /**
   * Standard deviation from frame to frame, robust: of the differences between neighbouring frames over √2, so that slow
   * change does not count. NaN below FEWEST_STEPS such differences, and where it would be zero. In the unit of the curve.
   */
  readonly noise: number;
  /** The same by the plain standard deviation; larger than `noise` where there are outliers. */
  readonly noisePlain: number;
  /** Per hour, of a robust straight line; NaN below three points. */
  readonly driftPerHour: number;
  /** Its standard error, as if the noise of frames were independent. */
  readonly driftError: number;
  /** Smallest change that is told from noise: three times the noise. */
  readonly detectionLimit: number;
  /**
   * Most frames repeat the one before exactly: a frozen camera, one picture replayed, or positions in whole pixels. How
   * precise the curve is cannot be known then, and a noise of zero would say that it is perfect.
   */
  readonly repeats: boolean;
}

/** Fewer differences between frames say nothing of their scatter. */
export const FEWEST_STEPS = 3;
/** Noises a change must exceed to be detected. */
const DETECTION = 3;
/** Standard deviation of a normal distribution over its median absolute deviation. */
const MAD_TO_SIGMA = 1.482602218505602;
const US_PER_HOUR = 3.6e9;
/** Scatter up to this, px, is the rounding of arithmetic on equal numbers. */
const ROUNDING = 1e-9;
const UNKNOWN_LINE = { slope: Number.NaN, error: Number.NaN };

/** For people: why there is no noise of `curves` curves. */
export function repeatsLine(curves: number): string {
  const what = curves === 1 ? "1 curve repeats its" : `${curves} curves repeat their`;
  return `${what} values exactly from frame to frame: a noise of exactly zero is not a number, so noise and limit of detection are unknown. Is the camera frozen, or one picture replayed?`;
}

/** Noise, drift and limit of detection of a curve within a window. */
export function precisionOf(trace: Trace, window: TimeWindow): Precision {
  const { timesUs, values, index, excluded } = soundPoints(trace, window);
  const steps: number[] = [];
  for (let i = 1; i < index.length; i++) {
    // Only frames that follow each other: across a flagged one there are two steps.
    if ((index[i] as number) - (index[i - 1] as number) === 1) {
      steps.push((values[i] as number) - (values[i - 1] as number));
    }
  }
  const enough = steps.length >= FEWEST_STEPS;
  const scatter = enough ? robustDeviation(Float64Array.from(steps)) / Math.SQRT2 : Number.NaN;
  const repeats = scatter <= ROUNDING;
  const noise = repeats ? Number.NaN : scatter;
  const plain = enough ? plainDeviation(steps) / Math.SQRT2 : Number.NaN;
  const isStill = enough && values.every((value) => Math.abs(value - (values[0] as number)) <= ROUNDING);
  const line = isStill ? UNKNOWN_LINE : robustTrend(timesUs, values);
  return {
    points: index.length,
    excluded,
    noise,
    noisePlain: plain <= ROUNDING ? Number.NaN : plain,
    driftPerHour: line.slope * US_PER_HOUR,
    driftError: line.error * US_PER_HOUR,
    detectionLimit: DETECTION * noise,
    repeats,
  };
}

/** Standard deviation by the median absolute deviation from the median. */
export function robustDeviation(values: Float64Array): number {
  const middle = medianOf(values);
  return MAD_TO_SIGMA * medianOf(values.map((value) => Math.abs(value - middle)));
}

function plainDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Residuals beyond this many deviations have no weight (Tukey's bisquare, 95 % efficient for normal noise). */
const BISQUARE = 4.685;
const ROUNDS = 12;

/** Slope of a straight line through points, per unit of `at`; ascending `at`. NaN below three points. */
function robustTrend(at: Float64Array, values: Float64Array): { slope: number; error: number } {
  const count = at.length;
  if (count < 3 || at[count - 1] === at[0]) return { slope: Number.NaN, error: Number.NaN };
  // Each point against the one half the window later: a start that a quarter of wild points does not move.
  const half = count >> 1;
  let slope = medianOf(
    Float64Array.from({ length: count - half }, (_, i) => {
      const apart = (at[i + half] as number) - (at[i] as number);
      return apart > 0 ? ((values[i + half] as number) - (values[i] as number)) / apart : Number.NaN;
    }),
  );
  let error = Number.NaN;
  for (let round = 0; round < ROUNDS; round++) {
    const rest = values.map((value, i) => value - slope * (at[i] as number));
    const scale = Math.max(robustDeviation(rest), Number.MIN_VALUE);
    const middle = medianOf(rest);
    const weight = rest.map((value) => Math.max(0, 1 - ((value - middle) / (BISQUARE * scale)) ** 2) ** 2);
    const line = weightedLine(at, values, weight);
    if (line === undefined) break;
    const change = Math.abs(line.slope - slope);
    ({ slope, error } = line);
    if (change <= 1e-9 * Math.abs(slope)) break;
  }
  return { slope, error };
}

function weightedLine(at: Float64Array, values: Float64Array, weight: Float64Array) {
  let [w, wx, wy] = [0, 0, 0];
  weight.forEach((one, i) => {
    w += one;
    wx += one * ((at[i] as number) - (at[0] as number));
    wy += one * (values[i] as number);
  });
  const [x0, y0] = [(at[0] as number) + wx / w, wy / w];
  let [xx, xy, yy] = [0, 0, 0];
  weight.forEach((one, i) => {
    const [x, y] = [(at[i] as number) - x0, (values[i] as number) - y0];
    xx += one * x * x;
    xy += one * x * y;
    yy += one * y * y;
  });
  if (!(xx > 0)) return undefined;
  const slope = xy / xx;
  const variance = Math.max(0, yy - slope * xy) / Math.max(w - 2, 1);
  return { slope, error: Math.sqrt(variance / xx) };
}
