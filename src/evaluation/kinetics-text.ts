// Formats rates for tables.
import type { Estimate } from "../assay/kinetics/estimates.ts";
import type { GroupMean } from "../assay/kinetics/experiment/groups.ts";

const DOUBTS: Readonly<Record<NonNullable<Estimate["doubt"]>, string>> = {
  upper_bound: "",
  lower_bound: "",
  not_determined: "not determined",
  no_binding: "no binding",
  not_in_model: "-",
  local: "per cycle",
};

/** "1.000e-8 ± 2.0e-10", or the bound: "< 2.0e-5". */
export function estimateText({ value, standardError, low95, high95, doubt }: Estimate): string {
  if (value !== null) return `${value.toPrecision(4)} ± ${(standardError ?? 0).toPrecision(2)}`;
  if (doubt === "upper_bound" && high95 !== null) return `< ${high95.toPrecision(2)}`;
  if (doubt === "lower_bound" && low95 !== null) return `> ${low95.toPrecision(2)}`;
  return doubt === undefined ? "-" : DOUBTS[doubt];
}

/** Formats a mean: "1.000e+5 ± 2.0e+3 (12)", with the number of gratings that have a value in brackets. */
export function meanText({ value, standardError, used }: GroupMean): string {
  return value === null ? "-" : `${value.toPrecision(4)} ± ${(standardError ?? 0).toPrecision(2)} (${used})`;
}

/** Formats a spread: "12 %", with a star if gratings certainly differ. */
export function spreadText({ spread, differs }: GroupMean): string {
  return spread === null ? "-" : `${(100 * spread).toPrecision(2)} %${differs ? " *" : ""}`;
}
