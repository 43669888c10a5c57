// Predicts a running cycle from the fit of its data so far and their noise: when the association will have reached 95 % of its
// end, and how long the dissociation must be observed until it alone determines kd to 10 %.
import { inverse, normalEquations } from "../../measurement/linear.ts";
import { type Estimate, estimateOf } from "./estimates.ts";
import type { Quantity, RawFit } from "./native-kinetics.ts";
import { boundOf, residualsOf, rmsOf } from "./residuals.ts";

export interface Prediction {
  readonly cycle: string;
  /**
   * Seconds after the start of its last injection at which 95 % of the change is done, with 95 % limits; undefined if unknown.
   */
  readonly association95: { readonly seconds: number; readonly low95: number; readonly high95: number } | undefined;
  /**
   * Seconds of dissociation after which its frames alone determine kd to 10 % (standard error). `isAtLeast`: so far only an
   * upper bound of kd is known, and a slower dissociation takes longer. undefined if nothing is known.
   */
  readonly dissociation: { readonly seconds: number; readonly isAtLeast: boolean } | undefined;
}

/** A relaxation is 95 % complete after this many time constants. */
const TIMES_95 = Math.log(20);
/** kd counts as determined if its relative standard error is at most this. */
const FIXED = 0.1;
/** A rate with a larger relative error predicts nothing. */
const MOST_ERROR = 0.4;
const SIDES_95 = 1.96;
/** Longest dissociation that is predicted, s. */
const LONGEST_S = 7 * 86_400;
/** Maximum number of frames in the sums. With more, only every second, third … is used, weighted for all. */
const MOST_SUMMED = 2000;
const ROUNDS = 40;

/** Predicts the last cycle of a fit; undefined for models without both rates, and if nothing has bound. */
export function predictionOf(fit: RawFit): Prediction | undefined {
  const cycle = fit.cycles.at(-1);
  const last = cycle?.cycle.injections.at(-1);
  if (cycle === undefined || last === undefined || cycle.fitted.length === 0) return undefined;
  if (fit.model.kind !== "1:1" && fit.model.kind !== "mass-transport") return undefined;
  const [logKa, logKd] = fit.quantities as [Quantity, Quantity];
  const [onRate, kd] = [Math.exp(logKa.value) * last.concentration, Math.exp(logKd.value)];
  const timesS = Float64Array.from(cycle.index, (at) => cycle.cycle.timesS[at] as number);
  const intervalS = ((timesS.at(-1) ?? 0) - (timesS[0] ?? 0)) / Math.max(1, timesS.length - 1);
  const rms = rmsOf(fit.cycles.map(residualsOf)) * Math.sqrt(fit.noise.area);
  const bound = boundOf(cycle);
  const now = lastBefore(timesS, last.endS);
  if (now === undefined || !(intervalS > 0) || !(rms > 0)) return undefined;
  const rate = onRate + kd;
  // From the last frame so far to the end of the association.
  const rmax = (fit.model.localRmax ? fit.linear.at(-1) : fit.linear[0]) ?? Number.NaN;
  const plateau = (rmax * onRate) / rate;
  const rest = Math.exp(-rate * Math.max(0, last.endS - (timesS[now] as number)));
  const height = plateau + ((bound[now] as number) - plateau) * rest;
  return {
    cycle: cycle.cycle.name,
    association95: association95(fit, timesS.slice(0, now + 1), { ...last, rate, onRate, height: plateau, rms }),
    dissociation: dissociationOf(estimateOf(logKd, fit.noise), { height, rms, intervalS, hasDrift: fit.model.drift }),
  };
}

function lastBefore(timesS: Float64Array, endS: number): number | undefined {
  const at = timesS.findLastIndex((timeS) => timeS < endS);
  return at < 0 ? undefined : at;
}

interface Association {
  readonly startS: number;
  readonly rate: number;
  readonly onRate: number;
  readonly height: number;
  readonly rms: number;
}

function association95(fit: RawFit, timesS: Float64Array, association: Association): Prediction["association95"] {
  const { rate } = association;
  const error = Math.min(ownError(timesS, association), sharedError(fit, association));
  if (!(error < MOST_ERROR * rate)) return undefined;
  const seconds = TIMES_95 / rate;
  // Uses the error of the logarithm, so that both limits are positive.
  const part = Math.exp((SIDES_95 * error) / rate);
  return { seconds, low95: seconds / part, high95: seconds * part };
}

/** Returns the standard error of the rate from the frames of this association alone, with level, height and rate free. */
function ownError(timesS: Float64Array, { startS, rate, height, rms }: Association): number {
  const rows = Array.from(timesS, (timeS) => {
    const t = timeS - startS;
    if (t < 0) return [1, 0, 0];
    const decay = Math.exp(-rate * t);
    return [1, 1 - decay, height * t * rate * decay];
  });
  if (rows.length < 4) return Number.POSITIVE_INFINITY;
  const variance = inverse(normalEquations(rows, timesS))[2]?.[2] ?? Number.NaN;
  return variance > 0 ? rms * rate * Math.sqrt(variance) : Number.POSITIVE_INFINITY;
}

/** Returns the same from the fit of all cycles, if that determines both rates. */
function sharedError({ covariance }: RawFit, { rate, onRate }: Association): number {
  const size = Math.round(Math.sqrt(covariance.length));
  if (size < 2) return Number.POSITIVE_INFINITY;
  const at = (row: number, column: number) => covariance[row * size + column] ?? Number.NaN;
  const kd = rate - onRate;
  const variance = onRate ** 2 * at(0, 0) + kd ** 2 * at(1, 1) + 2 * onRate * kd * at(0, 1);
  return variance > 0 ? Math.sqrt(variance) : Number.POSITIVE_INFINITY;
}

interface Dissociation {
  /** Response at its beginning. */
  readonly height: number;
  /** Noise of a frame that has no noise in common with others. */
  readonly rms: number;
  readonly intervalS: number;
  readonly hasDrift: boolean;
}

function dissociationOf(estimate: Estimate, dissociation: Dissociation): Prediction["dissociation"] {
  const { doubt, value, high95 } = estimate;
  const kd = doubt === "upper_bound" ? high95 : value;
  if (kd === null) return undefined;
  const seconds = secondsToFix(kd, dissociation);
  return seconds === undefined ? undefined : { seconds, isAtLeast: doubt === "upper_bound" };
}

/** Returns the seconds of dissociation until kd is determined; undefined if a week is not enough. */
function secondsToFix(kd: number, dissociation: Dissociation): number | undefined {
  const isFixed = (seconds: number) => relativeError(kd, seconds, dissociation) <= FIXED;
  let high = 4 * dissociation.intervalS;
  while (!isFixed(high)) {
    high *= 2;
    if (high > LONGEST_S) return undefined;
  }
  let low = high / 2;
  for (let round = 0; round < ROUNDS && high - low > dissociation.intervalS / 2; round += 1) {
    const middle = (low + high) / 2;
    if (isFixed(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * Returns the relative standard error of kd after a number of seconds. Free parameters: height, rate, and with drift a slope;
 * the end level is known.
 */
function relativeError(kd: number, seconds: number, { height, rms, intervalS, hasDrift }: Dissociation): number {
  const frames = Math.max(3, Math.floor(seconds / intervalS));
  const step = Math.ceil(frames / MOST_SUMMED);
  const timesS = Float64Array.from({ length: Math.ceil(frames / step) }, (_, at) => (at + 0.5) * step * intervalS);
  const rows = Array.from(timesS, (t) => {
    const decay = Math.exp(-kd * t);
    const row = [decay, -height * kd * t * decay];
    return hasDrift ? [...row, t / seconds] : row;
  });
  const variance = inverse(normalEquations(rows, timesS))[1]?.[1] ?? Number.NaN;
  return variance > 0 ? (rms * Math.sqrt(variance)) / Math.sqrt(step) : Number.POSITIVE_INFINITY;
}
