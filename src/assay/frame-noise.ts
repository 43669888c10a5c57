// Computes the frame-to-frame noise: the standard deviation of one frame, from the differences of consecutive frames, so that
// slow changes do not count. Unbiased from four frames on. docs/statistics.md describes the method and its tests.

import { medianOf } from "../measurement/statistics.ts";
import { meanOfDeviation, relativeErrorOfDeviation } from "./distributions.ts";

export interface FrameNoise {
  /** Noise without outlier steps, in the unit of the values. NaN below FEWEST_STEPS steps, and if it would be zero. */
  readonly noise: number;
  /** Standard error of `noise`. */
  readonly noiseError: number;
  /** The same from all steps; larger than `noise` if there are outliers. */
  readonly plain: number;
  /** Whether most frames repeat the previous one exactly; see Precision. */
  readonly repeats: boolean;
}

/** With fewer differences between frames, their scatter cannot be determined. */
const FEWEST_STEPS = 3;
/** With fewer differences, an outlier cannot be distinguished from the others. */
const FEWEST_TO_JUDGE = 8;
/** Steps farther from the median than this many robust standard deviations are outliers: one in 10^11 for normal noise. */
const WILD = 7;
/** Ratio of the standard deviation of a normal distribution to its median absolute deviation. */
const MAD_TO_SIGMA = 1.482602218505602;
/** Scatter up to this, px, comes from rounding in computations with equal numbers. */
export const ROUNDING = 1e-9;

/** The difference between a frame and the next one. */
interface Step {
  readonly size: number;
  /** Index of the earlier frame. */
  readonly from: number;
}

const UNKNOWN = { sigma: Number.NaN, freedom: Number.NaN };

/**
 * Computes the noise of valid values; `index` is the position of each among all frames. Across a missing frame there are two
 * steps.
 */
export function frameNoise(values: Float64Array, index: Int32Array): FrameNoise {
  const steps: Step[] = [];
  for (let i = 1; i < index.length; i++) {
    const from = index[i - 1] as number;
    if ((index[i] as number) - from !== 1) continue;
    steps.push({ size: (values[i] as number) - (values[i - 1] as number), from });
  }
  if (steps.length < FEWEST_STEPS) {
    return { noise: Number.NaN, noiseError: Number.NaN, plain: Number.NaN, repeats: false };
  }
  const sizes = Float64Array.from(steps, ({ size }) => size);
  const spread = robustDeviation(sizes);
  const repeats = spread / Math.SQRT2 <= ROUNDING;
  const plain = deviationOf(steps);
  const { sigma, freedom } = repeats
    ? UNKNOWN
    : steps.length < FEWEST_TO_JUDGE
      ? plain
      : deviationOf(tame(steps, spread));
  return {
    noise: sigma,
    noiseError: sigma * relativeErrorOfDeviation(freedom),
    plain: plain.sigma <= ROUNDING ? Number.NaN : plain.sigma,
    repeats,
  };
}

/** Returns the standard deviation, estimated from the median absolute deviation. */
export function robustDeviation(values: Float64Array): number {
  const middle = medianOf(values);
  return MAD_TO_SIGMA * medianOf(values.map((value) => Math.abs(value - middle)));
}

function tame(steps: readonly Step[], spread: number): Step[] {
  const middle = medianOf(Float64Array.from(steps, ({ size }) => size));
  return steps.filter(({ size }) => Math.abs(size - middle) <= WILD * spread);
}

/**
 * Computes the standard deviation of one frame from the steps, after subtracting their mean (the drift), and its degrees of
 * freedom. Neighbouring steps share a frame, so their correlation is −1/2. With C the covariance of the steps minus their mean,
 * the sum of their squares has the mean tr C and the variance 2 tr C². The result is that of a chi-square distribution with the
 * same mean and variance.
 */
function deviationOf(steps: readonly Step[]): { sigma: number; freedom: number } {
  const count = steps.length;
  const mean = steps.reduce((sum, { size }) => sum + size, 0) / count;
  let [squares, neighbours, rows, rowSquares] = [0, 0, 0, 0];
  steps.forEach(({ size, from }, i) => {
    squares += (size - mean) ** 2;
    const before = steps[i - 1]?.from === from - 1 ? 1 : 0;
    const after = steps[i + 1]?.from === from + 1 ? 1 : 0;
    neighbours += after;
    // Sum of a row of the covariance: 2 for the step itself, −1 for each neighbour.
    const row = 2 - before - after;
    rows += row;
    rowSquares += row * row;
  });
  const trace = 2 * count - rows / count;
  const square = 4 * count + 2 * neighbours - (2 * rowSquares) / count + (rows / count) ** 2;
  if (!(trace > 0)) return UNKNOWN;
  const freedom = (trace * trace) / square;
  return { sigma: Math.sqrt(squares / trace) / meanOfDeviation(freedom), freedom };
}
