// Distributions for statements about few frames: Student's t, and the standard deviation of a small sample.

import { normalBelow } from "../measurement/normal-distribution.ts";

/**
 * Returns the probability that Student's t with `freedom` degrees of freedom is below `t`; accurate to 0.002 from 2 degrees on
 * (Wallace, 1959).
 */
export function studentBelow(t: number, freedom: number): number {
  const size = ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p((t * t) / freedom));
  return normalBelow(Math.sign(t) * size);
}

/**
 * Returns the `t` that contains Student's t with `freedom` degrees of freedom with 95 %: the inverse of the above, slightly too
 * large below 3 degrees.
 */
export function student95(freedom: number): number {
  const z = (1.959963984540054 * (8 * freedom + 3)) / (8 * freedom + 1);
  return Math.sqrt(freedom * Math.expm1((z * z) / freedom));
}

/** Degrees of freedom above which the first terms of the series are accurate to 1e-8. */
const MANY = 200;

/**
 * Returns the mean of the standard deviation of a normal sample relative to the true one (the constant c4). The argument is the
 * number of degrees of freedom, which need not be an integer.
 */
export function meanOfDeviation(freedom: number): number {
  if (!(freedom > 0)) return Number.NaN;
  if (freedom > MANY) return 1 - 1 / (4 * freedom) + 1 / (32 * freedom * freedom);
  // c(v) c(v + 1) = sqrt(v / (v + 1)): recursion from where the series is accurate down to v.
  const steps = Math.ceil(MANY - freedom) + 1;
  let mean = meanOfDeviation(freedom + steps);
  for (let at = freedom + steps - 1; at > freedom - 0.5; at -= 1) mean = Math.sqrt(at / (at + 1)) / mean;
  return mean;
}

/** Returns the standard deviation of an unbiased estimate of a standard deviation, relative to it. */
export function relativeErrorOfDeviation(freedom: number): number {
  const mean = meanOfDeviation(freedom);
  return Math.sqrt(Math.max(0, 1 - mean * mean)) / mean;
}
