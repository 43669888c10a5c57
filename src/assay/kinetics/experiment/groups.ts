// Combines the gratings of a group: the mean of their rates with the spread between gratings, and optionally one fit over all
// of them with common rates and an Rmax for each grating.
import { counted } from "../../../system/counted.ts";
import { student95 } from "../../distributions.ts";
import type { CurveCycle } from "../curve-set.ts";
import { type Estimate, estimateOf } from "../estimates.ts";
import type { KineticsFit, NoFit } from "../fit.ts";
import { type Kind, type Model, modelName } from "../models.ts";
import { fitModel, type Quantity } from "../native-kinetics.ts";

/** The mean of a positive quantity; gratings are weighted by their errors and the spread between them. */
export interface GroupMean {
  /** Geometric mean over the gratings that have a value; null without any. */
  readonly value: number | null;
  readonly standardError: number | null;
  readonly low95: number | null;
  readonly high95: number | null;
  /** Standard deviation of the logarithm between gratings, without their errors: 0.1 is 10 %. null with fewer than three. */
  readonly spread: number | null;
  /** Whether they certainly differ by more than their errors. */
  readonly differs: boolean;
  readonly used: number;
}

/** All cycles of all gratings in one fit. */
interface PooledFit {
  readonly model: string;
  readonly ka: Estimate;
  readonly kd: Estimate;
  readonly KD: Estimate;
  readonly gratings: number;
  readonly points: number;
  readonly chi2: number;
}

export interface GroupKinetics {
  readonly name: string;
  readonly gratings: number;
  readonly ka: GroupMean;
  readonly kd: GroupMean;
  readonly KD: GroupMean;
  readonly Rmax: GroupMean;
  readonly pooled: PooledFit | undefined;
  /** Why there is no pooled fit although one was requested. */
  readonly notPooled: string | undefined;
}

const FEWEST = 3;
/** Limit in standard deviations: by chance, one group in a thousand appears to differ. */
const SURELY = 3.09;
const STEPS = 200;

/** Returns the random-effects mean (Paule and Mandel 1982) with the limits of Hartung and Knapp (2001). */
function groupMean(estimates: readonly Estimate[]): GroupMean {
  const known = estimates.flatMap(({ value, standardError }) =>
    value !== null && value > 0 && standardError !== null && standardError > 0
      ? [{ log: Math.log(value), variance: (standardError / value) ** 2 }]
      : [],
  );
  const used = known.length;
  const none = { value: null, standardError: null, low95: null, high95: null, spread: null, differs: false, used };
  const [only] = known;
  if (only === undefined) return none;
  const freedom = used - 1;
  const { excess: apart } = weightedMean(known, 0);
  if (freedom === 0) {
    const value = Math.exp(only.log);
    return { ...none, ...limits(value, Math.sqrt(only.variance), 1.959963984540054) };
  }
  const between = betweenVariance(known, freedom);
  const { mean, weight, excess } = weightedMean(known, between);
  // Never below the value from the errors alone: by chance a few gratings may agree too well.
  const error = Math.sqrt(Math.max(excess / freedom, 1) / weight);
  return {
    ...limits(Math.exp(mean), error, student95(freedom)),
    spread: used < FEWEST ? null : Math.sqrt(between),
    differs: normalOfChiSquare(apart, freedom) > SURELY,
    used,
  };
}

function limits(value: number, error: number, quantile: number) {
  return {
    value,
    standardError: value * error,
    low95: value * Math.exp(-quantile * error),
    high95: value * Math.exp(quantile * error),
  };
}

interface Known {
  readonly log: number;
  readonly variance: number;
}

/** Returns the mean, the sum of the weights, and the weighted sum of squares around the mean. */
function weightedMean(known: readonly Known[], between: number) {
  let [weight, sum] = [0, 0];
  for (const { log, variance } of known) {
    weight += 1 / (variance + between);
    sum += log / (variance + between);
  }
  const mean = sum / weight;
  const excess = known.reduce((total, { log, variance }) => total + (log - mean) ** 2 / (variance + between), 0);
  return { mean, weight, excess };
}

/** Finds by bisection the variance between gratings for which the sum of squares around the mean has its expected value. */
function betweenVariance(known: readonly Known[], freedom: number): number {
  if (weightedMean(known, 0).excess <= freedom) return 0;
  const logs = known.map(({ log }) => log);
  let [low, high] = [0, (Math.max(...logs) - Math.min(...logs)) ** 2 * known.length];
  for (let step = 0; step < STEPS && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2;
    if (weightedMean(known, middle).excess > freedom) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Converts a chi-square to the equally improbable number of standard deviations of a normal distribution (Wilson and Hilferty
 * 1931).
 */
function normalOfChiSquare(value: number, freedom: number): number {
  const part = 2 / (9 * freedom);
  return (Math.cbrt(value / freedom) - (1 - part)) / Math.sqrt(part);
}

const POOLABLE: readonly Kind[] = ["1:1", "dissociation"];

/** Returns the model of most gratings, among those that can be pooled. */
function commonModel(fits: readonly KineticsFit[]): Model | undefined {
  const counts = new Map<string, { readonly model: Model; count: number }>();
  for (const { model } of fits) {
    const known = counts.get(modelName(model)) ?? { model, count: 0 };
    known.count += 1;
    counts.set(modelName(model), known);
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  return most !== undefined && POOLABLE.includes(most.model.kind) ? most.model : undefined;
}

/** Fits all gratings that bind together, or returns why that is not possible. */
function pooledFit(all: readonly (KineticsFit | NoFit)[]): PooledFit | string {
  const fits = all.filter((one): one is KineticsFit => !("why" in one) && !one.flags.includes("no_binding"));
  if (fits.length < 2) return "fewer than two gratings bind";
  const model = commonModel(fits);
  if (model === undefined)
    return `only ${POOLABLE.join(" and ")} can be pooled: with other models more than ka and kd would have to be common`;
  const cycles: CurveCycle[] = [];
  const groups: number[] = [];
  let next = 0;
  fits.forEach(({ set }, grating) => {
    for (const cycle of set.cycles) {
      const { shared } = cycle;
      // Each grating has its own curve of each blank.
      const blank = shared === undefined ? undefined : { ...shared, blank: shared.blank * fits.length + grating };
      cycles.push({ ...cycle, shared: blank });
      groups.push(next);
      if (model.localRmax) next += 1;
    }
    if (!model.localRmax) next += 1;
  });
  const fit = fitModel(cycles, model, true, groups);
  if (fit.points <= fit.parameters || !Number.isFinite(fit.cost))
    return `${counted(fit.points, "point")} cannot determine ${counted(fit.parameters, "parameter")}`;
  const at = (place: number): Estimate => estimateOf(fit.quantities[place] as Quantity, fit.noise);
  const absent: Estimate = { value: null, standardError: null, low95: null, high95: null, doubt: "not_in_model" };
  const [ka, kd, KD] = model.kind === "1:1" ? [at(0), at(1), at(2)] : [absent, at(0), absent];
  return {
    model: modelName(model),
    ka,
    kd,
    KD,
    gratings: fits.length,
    points: fit.points,
    chi2: fit.cost / (fit.points - fit.parameters),
  };
}

/** Returns the kinetics of a group. */
export function groupKinetics(name: string, fits: readonly (KineticsFit | NoFit)[], pooled: boolean): GroupKinetics {
  const good = fits.filter((one): one is KineticsFit => !("why" in one));
  const mean = (quantity: "ka" | "kd" | "KD" | "Rmax") => groupMean(good.map((one) => one[quantity]));
  const together = pooled ? pooledFit(fits) : undefined;
  return {
    name,
    gratings: fits.length,
    ka: mean("ka"),
    kd: mean("kd"),
    KD: mean("KD"),
    Rmax: mean("Rmax"),
    pooled: typeof together === "string" ? undefined : together,
    notPooled: typeof together === "string" ? together : undefined,
  };
}
