// Reports a rate: as a number with its error if the data determine it, otherwise as a bound.
import { type Quantity, type RawFit, SURE } from "./native-kinetics.ts";

/** Why there is no number. */
export type Doubt = "upper_bound" | "lower_bound" | "not_determined" | "no_binding" | "not_in_model" | "local";

export interface Estimate {
  readonly value: number | null;
  readonly standardError: number | null;
  /** 95 % confidence limits. With the doubt `upper_bound` only the upper one is set, with `lower_bound` only the lower one. */
  readonly low95: number | null;
  readonly high95: number | null;
  readonly doubt: Doubt | undefined;
}

/** Returns an estimate without a value, with the reason. */
export function unknown(doubt: Doubt): Estimate {
  return { value: null, standardError: null, low95: null, high95: null, doubt };
}

/** Noise counts as correlated if a mean needs more than so many times the frames for the same error. */
const CORRELATED = 1.3;

/**
 * Makes an estimate from the logarithm of a positive quantity. It has a value only if the profile likelihood rises by SURE
 * standard deviations on both sides: noise alone turns a bound into a value once in 30,000 times. The size of correlated
 * noise is less well known, so there the value must also be larger than its error by one more standard deviation.
 */
export function estimateOf(quantity: Quantity, { area }: Pick<RawFit["noise"], "area">): Estimate {
  const { value, error, low, high } = quantity;
  const [isLowUnknown, isHighUnknown] = [isOpen(quantity.lowReached, low), isOpen(quantity.highReached, high)];
  const isTooNear = !isLowUnknown && !isHighUnknown && area > CORRELATED && error > 1 / (SURE + 1);
  const isLowFarther = value - low > high - value;
  const isLowOpen = isLowUnknown || (isTooNear && isLowFarther);
  const isHighOpen = isHighUnknown || (isTooNear && !isLowFarther);
  if (isLowOpen && isHighOpen) return unknown("not_determined");
  if (isLowOpen) return { ...unknown("upper_bound"), high95: Math.exp(high) };
  if (isHighOpen) return { ...unknown("lower_bound"), low95: Math.exp(low) };
  if (!Number.isFinite(error)) return { ...unknown("not_determined"), low95: Math.exp(low), high95: Math.exp(high) };
  return {
    value: Math.exp(value),
    standardError: Math.exp(value) * error,
    low95: Math.exp(low),
    high95: Math.exp(high),
    doubt: undefined,
  };
}

const isOpen = (reached: number, limit: number) => reached < SURE || Number.isNaN(limit);

/** Makes an estimate for Rmax, whose value is not a logarithm and may be negative. */
export function rmaxEstimate(quantity: Quantity, noise: Pick<RawFit["noise"], "area">): Estimate {
  const size = estimateOf({ ...quantity, value: Math.log(Math.abs(quantity.value)) }, noise);
  if (quantity.value >= 0) return size;
  const negative = (value: number | null) => (value === null ? null : -value);
  const doubt = { upper_bound: "lower_bound", lower_bound: "upper_bound" } as const;
  return {
    ...size,
    value: negative(size.value),
    low95: negative(size.high95),
    high95: negative(size.low95),
    doubt: size.doubt === "upper_bound" || size.doubt === "lower_bound" ? doubt[size.doubt] : size.doubt,
  };
}
