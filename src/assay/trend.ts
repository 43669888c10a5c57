// Fits the straight line through a window of a curve: its slope, and its uncertainty if neighbouring frames are correlated.

import { blockMeans, medianOf } from "../measurement/statistics.ts";
import { coefficientOf, halfWidth, oppositeSign } from "./autoregression.ts";
import { robustDeviation } from "./frame-noise.ts";

export interface Trend {
  /** Slope per unit of time. NaN below three points. */
  readonly slope: number;
  /** Half the widths of the intervals that contain the true slope with 68.27 and 95 %. */
  readonly error: number;
  readonly error95: number;
  /** Probability that the true slope has the opposite sign. */
  readonly doubt: number;
  /** Indices of the points that are not outliers. */
  readonly kept: Int32Array;
}

const UNKNOWN: Omit<Trend, "kept"> = { slope: Number.NaN, error: Number.NaN, error95: Number.NaN, doubt: Number.NaN };
const [ONE_SIGMA, MOST] = [0.6827, 0.95];
/** With fewer points, an outlier cannot be distinguished from the others. */
const FEWEST_TO_JUDGE = 9;
/** Longer windows are averaged into this many points; the slope loses nothing. */
const MOST_POINTS = 400;
/** Points farther from the line than this many robust standard deviations are outliers. */
const WILD = 7;

/** Returns the trend of values at ascending times, ignoring outliers. */
export function trendOf(at: Float64Array, values: Float64Array): Trend {
  const kept = tamePoints(at, values);
  const count = kept.length;
  const [first, last] = [at[kept[0] ?? 0] as number, at[kept[count - 1] ?? 0] as number];
  if (count < 3 || !(last > first)) return { ...UNKNOWN, kept };
  const half = (last - first) / 2;
  const blocks = (of: Float64Array, zero: number) =>
    blockMeans(
      Float64Array.from(kept, (i) => (of[i] as number) - zero),
      MOST_POINTS,
    );
  const times = blocks(at, first);
  const slope = coefficientOf({
    values: blocks(values, medianOf(values)),
    columns: [new Float64Array(times.length).fill(1), times.map((time) => time / half - 1)],
    gaps: gapsOf(times),
  });
  if (slope === undefined) return { ...UNKNOWN, kept };
  return {
    slope: slope.value / half,
    error: halfWidth(slope, ONE_SIGMA) / half,
    error95: halfWidth(slope, MOST) / half,
    doubt: oppositeSign(slope),
    kept,
  };
}

/** Returns the distance of each time from the one before, in usual intervals, at least one. */
function gapsOf(times: Float64Array): Float64Array {
  const intervals = times.map((time, i) => (i === 0 ? Number.NaN : time - (times[i - 1] as number)));
  const usual = medianOf(intervals);
  return intervals.map((interval) => (interval > usual && usual > 0 ? interval / usual : 1));
}

function tamePoints(at: Float64Array, values: Float64Array): Int32Array {
  if (values.length < FEWEST_TO_JUDGE) return Int32Array.from(values.keys());
  const slope = robustSlope(at, values);
  const rest = values.map((value, i) => value - slope * ((at[i] as number) - (at[0] as number)));
  const [middle, spread] = [medianOf(rest), robustDeviation(rest)];
  const isWild = (value: number) => spread > 0 && Math.abs(value - middle) > WILD * spread;
  return Int32Array.from([...rest.keys()].filter((i) => !isWild(rest[i] as number)));
}

/** Residuals beyond this many deviations have no weight (Tukey's bisquare, 95 % efficient for normal noise). */
const BISQUARE = 4.685;
const ROUNDS = 12;

/** Returns the slope of a straight line that is insensitive to up to a quarter of outliers. */
function robustSlope(at: Float64Array, values: Float64Array): number {
  const count = at.length;
  // Compares each point with the one half a window later.
  const half = count >> 1;
  let slope = medianOf(
    Float64Array.from({ length: count - half }, (_, i) => {
      const apart = (at[i + half] as number) - (at[i] as number);
      return apart > 0 ? ((values[i + half] as number) - (values[i] as number)) / apart : Number.NaN;
    }),
  );
  if (Number.isNaN(slope)) return 0;
  for (let round = 0; round < ROUNDS; round++) {
    const rest = values.map((value, i) => value - slope * ((at[i] as number) - (at[0] as number)));
    const scale = Math.max(robustDeviation(rest), Number.MIN_VALUE);
    const middle = medianOf(rest);
    const next = weightedSlope(
      at,
      values,
      rest.map((value) => Math.max(0, 1 - ((value - middle) / (BISQUARE * scale)) ** 2) ** 2),
    );
    if (next === undefined) break;
    const change = Math.abs(next - slope);
    slope = next;
    if (change <= 1e-9 * Math.abs(slope)) break;
  }
  return slope;
}

function weightedSlope(at: Float64Array, values: Float64Array, weight: Float64Array): number | undefined {
  let [w, wx, wy] = [0, 0, 0];
  weight.forEach((one, i) => {
    w += one;
    wx += one * ((at[i] as number) - (at[0] as number));
    wy += one * (values[i] as number);
  });
  const [x0, y0] = [(at[0] as number) + wx / w, wy / w];
  let [xx, xy] = [0, 0];
  weight.forEach((one, i) => {
    const [x, y] = [(at[i] as number) - x0, (values[i] as number) - y0];
    xx += one * x * x;
    xy += one * x * y;
  });
  return xx > 0 ? xy / xx : undefined;
}
