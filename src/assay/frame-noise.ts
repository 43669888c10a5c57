// Noise from frame to frame: the standard deviation of one frame, from the differences between frames that follow each
// other, so that slow change does not count. Unbiased from four frames on; how, and what it was measured at: docs/statistics.md.

import { medianOf } from "../measurement/statistics.ts";
import { meanOfDeviation, relativeErrorOfDeviation } from "./distributions.ts";

export interface FrameNoise {
  /** Without wild steps, in the unit of the values. NaN below FEWEST_STEPS steps, and where it would be zero. */
  readonly noise: number;
  /** Standard error of `noise`. */
  readonly noiseError: number;
  /** The same of all steps; larger than `noise` where there are wild ones. */
  readonly plain: number;
  /** Most frames repeat the one before exactly; see Precision. */
  readonly repeats: boolean;
}

/** Fewer differences between frames say nothing of their scatter. */
const FEWEST_STEPS = 3;
/** With fewer differences, an outlier cannot be distinguished from the others. */
const FEWEST_TO_JUDGE = 8;
/** Steps farther from the median than this many robust deviations are wild: one in 10^11 of normal noise. */
const WILD = 7;
/** Standard deviation of a normal distribution over its median absolute deviation. */
const MAD_TO_SIGMA = 1.482602218505602;
/** Scatter up to this, px, is the rounding of arithmetic on equal numbers. */
export const ROUNDING = 1e-9;

/** The difference between a frame and the next one. */
interface Step {
  readonly size: number;
  /** Index of the earlier frame. */
  readonly from: number;
}

const UNKNOWN = { sigma: Number.NaN, freedom: Number.NaN };

/** Noise of sound values; `index` is the place of each among all frames: across a missing one there are two steps. */
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

/** Standard deviation by the median absolute deviation from the median. */
export function robustDeviation(values: Float64Array): number {
  const middle = medianOf(values);
  return MAD_TO_SIGMA * medianOf(values.map((value) => Math.abs(value - middle)));
}

function tame(steps: readonly Step[], spread: number): Step[] {
  const middle = medianOf(Float64Array.from(steps, ({ size }) => size));
  return steps.filter(({ size }) => Math.abs(size - middle) <= WILD * spread);
}

/**
 * Deviation of one frame from the steps, their mean (the drift) taken off, and its degrees of freedom. Neighbouring steps
 * share a frame, so that their covariance is −1/2; with C the covariance of the steps less their mean, the sum of their
 * squares has the mean tr C and the variance 2 tr C². A chi-square with the same two is divided out.
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
