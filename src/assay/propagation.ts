// Propagates standard errors from positions to derived values. Each position of a frame and ROI is independent of all others,
// with its own standard error. The level of a baseline enters every frame of its curve, and a reference enters every curve it
// is subtracted from. If a position has no error, nothing derived from it has one.

import { normalBelow, normalDensity } from "../measurement/normal-distribution.ts";
import { medianOf } from "../measurement/statistics.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { CurveErrors } from "./curve-errors.ts";
import { between, blankOf, soundPoints, type Trace } from "./sensorgram.ts";

/** The median of values, treated as a weighted sum of them to propagate errors. */
interface MedianErrors {
  /** px². */
  readonly variance: number;
  /** Share of each value: 1/n for equal errors. */
  readonly shares: Float64Array;
}

/** A drift of more than this many of its errors spreads the values. */
const SURE_DRIFT = 3;

/**
 * Computes the variance of the median of values with the standard errors `errors`, and the share of each value. For equal
 * errors and a level curve it is that of the median of a normal sample (π/2 of the mean's if n is large). If the values drift
 * farther than they scatter, only those in the middle of the window determine the median, and its variance is larger.
 */
function medianErrors(timesUs: Float64Array, values: Float64Array, errors: Float64Array): MedianErrors {
  const count = values.length;
  if (count === 0 || errors.some(Number.isNaN)) {
    return { variance: Number.NaN, shares: new Float64Array(count).fill(Number.NaN) };
  }
  // Values without errors, as in a simulation: the median is exact.
  if (errors.some((error) => error === 0)) return { variance: 0, shares: new Float64Array(count) };
  const drift = driftOf(timesUs, values, errors);
  const [middle, usual] = [medianOf(drift), medianOf(errors)];
  const off = drift.map((one) => (one - middle) / usual);
  const nearest = off.reduce((least, one) => Math.min(least, Math.abs(one)), Number.POSITIVE_INFINITY);
  // Relative to the value nearest to the median, which may be many errors away from it.
  const weights = off.map((one, i) => Math.exp((nearest * nearest - one * one) / 2) / (errors[i] as number));
  const total = weights.reduce((sum, one) => sum + one, 0);
  const shares = weights.map((one) => one / total);
  let [density, spread, linear, peak] = [0, 0, 0, 0];
  off.forEach((one, i) => {
    const [below, error] = [normalBelow(one), errors[i] as number];
    spread += below * (1 - below);
    density += normalDensity(one) / error;
    peak += normalDensity(one) / normalDensity(0);
    linear += ((shares[i] as number) * error) ** 2;
  });
  // The median of one or two is their mean.
  if (count <= 2) return { variance: linear, shares };
  // The same holds if two frames far from all others determine it.
  const most = linear * (1 + (Math.PI / 2 - 1) * Math.min(1, peak / 2));
  const variance = density > 0 ? (ofFew(peak, count) * spread) / (density * density) : most;
  return { variance: Math.max(linear, Math.min(most, variance)), shares };
}

/**
 * Returns the ratio of the variance of the median of n normal values to its asymptotic value; accurate to 1 %, from order
 * statistics.
 */
function ofFew(effective: number, count: number): number {
  const values = Math.max(1, effective);
  return values / (values + (count % 2 === 1 ? 0.43 + 0.14 / values : 1.43 - 0.58 / values));
}

/** Returns the straight line through the values if they certainly drift, otherwise zeros. */
function driftOf(timesUs: Float64Array, values: Float64Array, errors: Float64Array): Float64Array {
  const level = new Float64Array(values.length);
  const [first, count] = [timesUs[0] ?? 0, values.length];
  if (count < 3) return level;
  const time = timesUs.reduce((sum, one) => sum + one - first, 0) / count;
  const value = values.reduce((sum, one) => sum + one, 0) / count;
  let [tt, tv, ttee] = [0, 0, 0];
  values.forEach((one, i) => {
    const t = (timesUs[i] as number) - first - time;
    tt += t * t;
    tv += t * (one - value);
    ttee += (t * (errors[i] as number)) ** 2;
  });
  const slope = tv / tt;
  if (!(Math.abs(slope) > (SURE_DRIFT * Math.sqrt(ttee)) / tt)) return level;
  return level.map((_zero, i) => slope * ((timesUs[i] as number) - first - time));
}

/** The level of a baseline, and the variance of its error (px²). */
export interface Level {
  readonly px: number;
  /** px². */
  readonly variance: number;
  /** Valid points of the window, as indices into the curve, and the share of each in the level. */
  readonly index: Int32Array;
  readonly shares: Float64Array;
  /** Number of points of the window that were left out. */
  readonly excluded: number;
}

/** Returns the median of a curve's valid points in a window; `standardError` has one value for each point of the curve. */
export function levelOf(trace: Trace, standardError: Float64Array, window: TimeWindow): Level {
  const { timesUs, values, index, excluded } = soundPoints(trace, window);
  const errors = Float64Array.from(index, (at) => standardError[at] as number);
  return { px: medianOf(values), index, excluded, ...medianErrors(timesUs, values, errors) };
}

/** Returns the variance of a position minus a level, px²; `share`: the share of the position in the level. */
export function shiftVariance(standardError: number, level: Pick<Level, "variance">, share: number): number {
  const own = standardError * standardError;
  return own + level.variance - 2 * share * own;
}

/** Returns the errors of a curve minus its level. */
export function shiftErrors(standardError: Float64Array, { variance, index, shares }: Level): CurveErrors {
  const own = standardError.map((error) => error * error);
  const overlap = new Float64Array(own.length);
  index.forEach((at, i) => {
    overlap[at] = (shares[i] as number) * (own[at] as number);
  });
  return { own, level: new Float64Array(own.length).fill(variance), overlap };
}

/** Returns the errors of the sum or difference of two curves that have no frame and no level in common. */
export function sumErrors(one: CurveErrors, other: CurveErrors): CurveErrors {
  const sum = (key: keyof CurveErrors) => one[key].map((value, at) => value + (other[key][at] as number));
  return { own: sum("own"), level: sum("level"), overlap: sum("overlap") };
}

/** Returns the standard error of each frame, px; NaN if unknown. */
export function standardErrors(errors: CurveErrors): Float64Array {
  return errors.own.map((_own, at) => Math.sqrt(Math.max(0, covariance(errors, at, at))));
}

/** A frame of a curve and its weight in a sum. */
interface Term {
  readonly at: number;
  readonly weight: number;
}

/** Returns the variance of a sum of frames of one curve, px². A frame may occur more than once. */
function varianceOfSum(errors: CurveErrors, terms: readonly Term[]): number {
  const weights = new Map<number, number>();
  for (const { at, weight } of terms) weights.set(at, (weights.get(at) ?? 0) + weight);
  let variance = 0;
  for (const [one, weight] of weights) {
    for (const [other, also] of weights) variance += weight * also * covariance(errors, one, other);
  }
  return Math.max(0, variance);
}

function covariance({ own, level, overlap }: CurveErrors, one: number, other: number): number {
  const shared = Math.min(level[one] as number, level[other] as number);
  const apart = shared - (overlap[one] as number) - (overlap[other] as number);
  return one === other ? apart + (own[one] as number) : apart;
}

/** Returns the standard errors of a curve after subtractBlank, px. */
export function blankErrors(trace: Trace, errors: CurveErrors, blank: TimeWindow, injectionUs: number): Float64Array {
  const { points, lead } = blankOf(trace, blank);
  const direct = standardErrors(errors);
  // The contribution of the level is the same in all frames and is already part of the terms.
  const alone = Float64Array.from(lead.index, (at) => Math.sqrt(errors.own[at] as number));
  const zero = medianErrors(lead.timesUs, lead.values, alone);
  const zeroTerms =
    lead.index.length > 0
      ? Array.from(lead.index, (at, i): Term => ({ at, weight: zero.shares[i] as number }))
      : [{ at: points.index[0] ?? 0, weight: 1 }];
  const linear = alone.reduce((sum, error, i) => sum + ((zero.shares[i] as number) * error) ** 2, 0);
  const beyond = lead.index.length > 0 ? Math.max(0, zero.variance - linear) : 0;
  return direct.map((error, at) => {
    const sinceUs = (trace.timesUs[at] as number) - injectionUs;
    if (sinceUs < 0) return error;
    if (points.index.length === 0 || sinceUs >= blank.toUs - blank.fromUs) return Number.NaN;
    const { before, after, share } = between(points.timesUs, blank.fromUs + sinceUs);
    const terms: Term[] = [
      { at, weight: 1 },
      { at: points.index[before] as number, weight: share - 1 },
      { at: points.index[after] as number, weight: -share },
      ...zeroTerms,
    ];
    return Math.sqrt(varianceOfSum(errors, terms) + beyond);
  });
}
