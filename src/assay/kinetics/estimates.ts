// What is said of a rate: a number with its error where the data fix it, else the bound that they give.
import { type Quantity, SURE } from "./native-kinetics.ts";

/** Why there is no number, or undefined. */
export type Doubt = "upper_bound" | "lower_bound" | "not_determined" | "no_binding" | "not_in_model" | "local";

export interface Estimate {
  readonly value: number | null;
  readonly standardError: number | null;
  /** Limits that hold the truth with 95 %. With the doubt `upper_bound` there is only the high one, with `lower_bound` the low one. */
  readonly low95: number | null;
  readonly high95: number | null;
  readonly doubt: Doubt | undefined;
}

/** Nothing is known, for a reason. */
export function unknown(doubt: Doubt): Estimate {
  return { value: null, standardError: null, low95: null, high95: null, doubt };
}

/**
 * From the logarithm of a positive quantity. It is a number only where the profile likelihood rises by SURE standard
 * deviations on both sides: noise alone makes a number of a bound once in 30,000.
 */
export function estimateOf({ value, error, low, high, lowReached, highReached }: Quantity): Estimate {
  const [isLowOpen, isHighOpen] = [lowReached < SURE || Number.isNaN(low), highReached < SURE || Number.isNaN(high)];
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

/** Of Rmax, whose value is none of a logarithm and may be negative. */
export function rmaxEstimate(quantity: Quantity): Estimate {
  const size = estimateOf({ ...quantity, value: Math.log(Math.abs(quantity.value)) });
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
