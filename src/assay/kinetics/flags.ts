// Flags what is doubtful about the fit of a curve set.
import { type CurveSet, concentrationsOf } from "./curve-set.ts";
import type { Estimate } from "./estimates.ts";
import { fitModel, type RawFit } from "./native-kinetics.ts";
import { amplitudeOf, boundOf, commonShape, residualsOf, rmsOf, runTest } from "./residuals.ts";
import { CLEARLY, isSuspicious, type Selection } from "./selection.ts";

export const FLAGS = [
  "no_binding",
  "not_1_1",
  "mass_transport_limited",
  "non_specific",
  "drift_dominates",
  "boundary",
  "too_few_concentrations",
  "hook",
  "negative_response",
  "not_at_equilibrium",
  "rmax_not_fixed",
] as const;
export type Flag = (typeof FLAGS)[number];

/** A response that explains less than this, in squared standard deviations of the noise, does not count as binding. */
const LEAST_BINDING = 30;
/** Limits, in standard deviations: for too few runs, and for too large squared correlations of cycles. */
const [FEW_RUNS, COMMON] = [-5, 8];
/** A misfit below this share of the response does not change rates noticeably. */
const NOTICED = 2e-3;
const FEWEST_CONCENTRATIONS = 3;
/** A response must drop by this share to be a hook. */
const DROP = 0.05;
const SURELY = 5;

/** Whether the model explains a response that noise does not. */
export function hasBinding({ cost, nullCost, noise }: RawFit): boolean {
  return nullCost - cost > LEAST_BINDING * noise.variance * noise.area;
}

export interface Tests {
  readonly runs: number;
  readonly common: number;
}

/** Tests whether the residuals are noise; see residuals.ts. */
export function testsOf(fit: RawFit): Tests {
  const residuals = fit.cycles.map(residualsOf);
  return { runs: runTest(residuals, fit.noise.neighbours), common: commonShape(residuals, fit.noise) };
}

export function flagsOf(
  set: CurveSet,
  { fit, massTransportGain = 0, twoSiteGain = 0 }: Selection,
  tests: Tests,
  estimates: { readonly ka: Estimate; readonly Rmax: Estimate; readonly transport: Estimate | undefined },
): Flag[] {
  if (!hasBinding(fit)) return ["no_binding"];
  const flags: Flag[] = [];
  const { kind } = fit.model;
  const isTransported =
    massTransportGain > CLEARLY || (kind === "mass-transport" && estimates.transport?.doubt !== "upper_bound");
  if (isTransported) flags.push("mass_transport_limited");
  const isOneToOne = kind === "1:1" || kind === "mass-transport";
  const better = twoSiteGain - Math.max(massTransportGain, 0);
  if (isOneToOne && (better > CLEARLY || ((kind === "mass-transport" || !isTransported) && looksWrong(fit, tests)))) {
    flags.push("not_1_1");
  }
  if (driftDominates(fit)) flags.push("drift_dominates");
  if (fit.isAtBound) flags.push("boundary");
  if (kind !== "dissociation" && concentrationsOf(set).length < FEWEST_CONCENTRATIONS)
    flags.push("too_few_concentrations");
  if (isOneToOne && hasHook(fit)) flags.push("hook");
  if ((fit.linear[0] ?? 0) < 0) flags.push("negative_response");
  if (estimates.ka.doubt === "upper_bound" && estimates.Rmax.value === null) flags.push("rmax_not_fixed");
  return flags;
}

function looksWrong(fit: RawFit, { runs, common }: Tests): boolean {
  if (rmsOf(fit.cycles.map(residualsOf)) < NOTICED * amplitudeOf(fit)) return false;
  return Number.isNaN(common) ? runs < FEW_RUNS : common > COMMON && runs < FEW_RUNS / 2;
}

function driftDominates(fit: RawFit): boolean {
  const amplitude = amplitudeOf(fit);
  return fit.cycles.some(({ cycle: { timesS }, drift }) => {
    const duration = (timesS.at(-1) ?? 0) - (timesS[0] ?? 0);
    return drift !== undefined && Math.abs(drift) * duration > amplitude;
  });
}

/** Whether less is bound at the end of the association with the highest concentration than at the one before. */
function hasHook(fit: RawFit): boolean {
  if (!isSuspicious(fit)) return false;
  // One Rmax for all cycles would move the offset of the hooked cycle, and leave residuals that are no noise.
  const cycles = fit.cycles.map(({ cycle }) => cycle);
  const free = fitModel(cycles, { ...fit.model, kind: "1:1", localRmax: true }, false);
  const [before, last] = endsOf(free).slice(-2);
  if (before === undefined || last === undefined || before.concentration === last.concentration) return false;
  const drop = Math.sign(fit.linear[0] ?? 1) * (before.mean - last.mean);
  const rms = rmsOf(free.cycles.map(residualsOf));
  const error = rms * Math.sqrt(free.noise.area * (1 / before.count + 1 / last.count));
  return drop > DROP * Math.abs(before.mean) && drop > SURELY * error;
}

/** Returns the mean of what is bound in the last tenth of each association, by ascending concentration. */
function endsOf(fit: RawFit) {
  const ends = fit.cycles.flatMap((cycle) => {
    const [injection] = cycle.cycle.injections;
    if (injection === undefined || cycle.cycle.injections.length !== 1) return [];
    const residuals = residualsOf(cycle);
    const bound = boundOf(cycle);
    const fromS = injection.endS - 0.1 * (injection.endS - injection.startS);
    let [sum, count] = [0, 0];
    cycle.index.forEach((at, place) => {
      const timeS = cycle.cycle.timesS[at] as number;
      if (timeS < fromS || timeS >= injection.endS) return;
      sum += (bound[place] as number) + (residuals[place] as number);
      count += 1;
    });
    return count === 0 ? [] : [{ concentration: injection.concentration, mean: sum / count, count }];
  });
  return ends.sort((a, b) => a.concentration - b.concentration);
}
