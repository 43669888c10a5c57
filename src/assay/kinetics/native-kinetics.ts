// TypeScript interface to the kernel's fit of sensorgrams.
import { loadKernel } from "../../native/kernel-binding.ts";
import type { CurveCycle } from "./curve-set.ts";
import { KINDS, type Model } from "./models.ts";

interface Native {
  fitKinetics(
    model: number,
    time: Float64Array,
    response: Float64Array,
    weight: Float64Array,
    cycleStart: Int32Array,
    segments: Float64Array,
    segmentStart: Int32Array,
    flags: Uint8Array,
    groups: Int32Array,
    sharedAt: Float64Array,
    sharedPart: Float64Array,
    sharedStart: Int32Array,
    profiles: boolean,
  ): NativeFit;
}

interface NativeFit {
  readonly cost: number;
  readonly nullCost: number;
  readonly squares: number;
  readonly points: number;
  readonly parameters: number;
  readonly evaluations: number;
  readonly hasConverged: boolean;
  readonly isAtBound: boolean;
  readonly noise: Float64Array;
  readonly quantities: Float64Array;
  readonly linear: Float64Array;
  readonly linearErrors: Float64Array;
  readonly covariance: Float64Array;
  readonly fitted: Float64Array;
  readonly locals: readonly Float64Array[];
}

/** A rate or KD as a natural logarithm, or Rmax (whose `value` is not a logarithm). */
export interface Quantity {
  readonly value: number;
  /** Standard error of the logarithm; infinite if the data do not determine it. */
  readonly error: number;
  /** 95 % limits of the logarithm; NaN if the profile likelihood does not rise enough. */
  readonly low: number;
  readonly high: number;
  /** Rise of the profile likelihood on this side, standard deviations, at most SURE. */
  readonly lowReached: number;
  readonly highReached: number;
}

/** As in native/kinetics/profile.h. */
export const SURE = 4;

/** The fit of one model to a curve set. */
export interface RawFit {
  readonly model: Model;
  /** Weighted sum of squared residuals; `nullCost`: the same without any response of the model. */
  readonly cost: number;
  readonly nullCost: number;
  readonly points: number;
  readonly parameters: number;
  readonly evaluations: number;
  readonly hasConverged: boolean;
  readonly isAtBound: boolean;
  /**
   * Variance of the residuals, the correlated share of it and its correlation from frame to frame, the correlation of
   * neighbouring residuals, and the number of frames that count as one.
   */
  readonly noise: { readonly variance: number; share: number; rho: number; neighbours: number; area: number };
  /** The rates (of each site), then KD of each site, then Rmax if it is common to all cycles. */
  readonly quantities: readonly Quantity[];
  /** Maximum responses [cycle, or one][site], and their errors. */
  readonly linear: Float64Array;
  readonly linearErrors: Float64Array;
  /**
   * Covariance of the logarithms of the rates, then of the common maximum responses; empty if the data do not determine them.
   */
  readonly covariance: Float64Array;
  readonly cycles: readonly CycleFit[];
}

export interface CycleFit {
  readonly cycle: CurveCycle;
  /** Indices of the fitted points in the cycle. */
  readonly index: Int32Array;
  readonly fitted: Float64Array;
  readonly offset: number | undefined;
  /** Drift per second, relative to the middle of the cycle, s. */
  readonly drift: number | undefined;
  readonly driftFromS: number;
  /** Bulk shift of each injection. */
  readonly bulk: readonly (number | undefined)[];
}

/** Minimum number of points before an injection that determine the start of the curve. */
const FEWEST_BASELINE = 3;
const [OFFSET, DRIFT] = [1, 2];
const QUANTITY_NUMBERS = 6;

/**
 * Fits a model to cycles. `profiles`: also find the limits, which takes longer than the fit. `groups`: a number for each cycle,
 * ascending from 0; cycles with the same number share one Rmax. Without it, all cycles share one or each has its own, as the
 * model says.
 */
export function fitModel(
  cycles: readonly CurveCycle[],
  model: Model,
  profiles: boolean,
  groups: readonly number[] = cycles.map((_cycle, at) => (model.localRmax ? at : 0)),
): RawFit {
  const parts = cycles.map((cycle) => partOf(cycle, model));
  const points = parts.reduce((sum, { index }) => sum + index.length, 0);
  const [time, response] = [new Float64Array(points), new Float64Array(points)];
  const isWeighted = cycles.every(({ errors }) => errors !== undefined);
  const weight = new Float64Array(isWeighted ? points : 0);
  const cycleStart = new Int32Array(cycles.length + 1);
  const segmentStart = new Int32Array(cycles.length + 1);
  let at = 0;
  parts.forEach(({ cycle, index, segments }, which) => {
    for (const from of index) {
      time[at] = cycle.timesS[from] as number;
      response[at] = cycle.responses[from] as number;
      if (isWeighted) weight[at] = 1 / (cycle.errors?.[from] as number) ** 2;
      at += 1;
    }
    cycleStart[which + 1] = at;
    segmentStart[which + 1] = (segmentStart[which] as number) + segments.length / 3;
  });
  const found = (loadKernel() as Native).fitKinetics(
    KINDS.indexOf(model.kind),
    time,
    response,
    weight,
    cycleStart,
    Float64Array.from(parts.flatMap(({ segments }) => segments)),
    segmentStart,
    Uint8Array.from(parts, ({ flags }) => flags),
    Int32Array.from(groups),
    ...sharedOf(parts, points),
    profiles,
  );
  return { ...found, model, ...unpacked(found, parts, cycleStart) };
}

/** Returns the noise of the blanks in the kernel's format: frames of all blanks one after the other. */
function sharedOf(parts: readonly Part[], points: number): [Float64Array, Float64Array, Int32Array] {
  const blanks = new Map<number, number>();
  for (const { cycle } of parts) if (cycle.shared !== undefined) blanks.set(cycle.shared.blank, cycle.shared.frames);
  if (blanks.size === 0) return [new Float64Array(0), new Float64Array(0), new Int32Array(0)];
  const [at, part] = [new Float64Array(points).fill(Number.NaN), new Float64Array(points)];
  const starts = [0];
  const startOf = new Map<number, number>();
  for (const [blank, frames] of blanks) {
    const start = starts.at(-1) as number;
    startOf.set(blank, start);
    starts.push(start + frames);
  }
  let point = 0;
  for (const { cycle, index } of parts) {
    const { shared } = cycle;
    for (const from of index) {
      if (shared !== undefined) {
        at[point] = (startOf.get(shared.blank) ?? 0) + (shared.at[from] as number);
        part[point] = shared.part[from] as number;
      }
      point += 1;
    }
  }
  return [at, part, Int32Array.from(starts)];
}

function unpacked(found: NativeFit, parts: readonly Part[], cycleStart: Int32Array) {
  const [variance = 0, share = 0, rho = 0, neighbours = 0, area = 1] = found.noise;
  const quantities: Quantity[] = [];
  for (let from = 0; from < found.quantities.length; from += QUANTITY_NUMBERS) {
    const [value = 0, error = 0, low = 0, high = 0, lowReached = 0, highReached = 0] = found.quantities.subarray(from);
    quantities.push({ value, error, low, high, lowReached, highReached });
  }
  const orNone = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? undefined : value);
  const cycles = parts.map(({ cycle, index, bulkAt }, which): CycleFit => {
    const [offset, drift, driftFromS = 0, ...bulk] = found.locals[which] ?? [];
    return {
      cycle,
      index,
      fitted: found.fitted.slice(cycleStart[which], cycleStart[which + 1]),
      offset: orNone(offset),
      drift: orNone(drift),
      driftFromS,
      bulk: bulkAt.map((place) => orNone(bulk[place])),
    };
  });
  return { noise: { variance, share, rho, neighbours, area }, quantities, cycles };
}

interface Part {
  readonly cycle: CurveCycle;
  readonly index: Int32Array;
  readonly segments: readonly number[];
  /** Segment of each injection. */
  readonly bulkAt: readonly number[];
  readonly flags: number;
}

function partOf(cycle: CurveCycle, model: Model): Part {
  const { timesS, injections } = cycle;
  const steady = model.kind === "steady-state" || model.kind === "hill";
  const flags = (from: number) => (model.drift ? DRIFT : 0) | (from >= FEWEST_BASELINE ? OFFSET : 0);
  const all = Int32Array.from(timesS, (_time, at) => at);
  if (steady) return { cycle, index: all, segments: [-1, 0, 0], bulkAt: [], flags: 0 };
  if (model.kind === "dissociation") {
    const endS = injections.at(-1)?.endS ?? timesS[0] ?? 0;
    const index = all.filter((at) => (timesS[at] as number) > endS);
    return { cycle, index, segments: [endS, 0, 0], bulkAt: [], flags: model.drift ? DRIFT : 0 };
  }
  const span = (timesS.at(-1) ?? 0) - (timesS[0] ?? 0);
  const switches = injections.flatMap(({ startS, endS }) => [startS, endS]);
  // A point exactly at a switch could belong to either side.
  const index = all.filter((at) => switches.every((s) => Math.abs(s - (timesS[at] as number)) > 1e-9 * span));
  const segments: number[] = [];
  const bulkAt: number[] = [];
  injections.forEach(({ startS, endS, concentration }, which) => {
    bulkAt.push(segments.length / 3);
    segments.push(startS, concentration, model.bulk ? 1 : 0);
    const next = injections[which + 1]?.startS;
    if (next === undefined || next > endS) segments.push(endS, 0, 0);
  });
  const firstS = injections[0]?.startS ?? Number.POSITIVE_INFINITY;
  return { cycle, index, segments, bulkAt, flags: flags(index.filter((at) => (timesS[at] as number) < firstS).length) };
}
