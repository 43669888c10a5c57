// Plans the fit of an experiment: which curves, which injections with which windows, which settings. A plan is plain data, so a
// stored one gives the same fit again.
import type { Config } from "../../../config/schema.ts";
import { Failure } from "../../../failure/failure.ts";
import { nearest } from "../../../failure/nearest.ts";
import type { Analysis } from "../../../manifest/analyses.ts";
import type { ManifestPart } from "../../../manifest/manifest.ts";
import { type Groups, groupsOf, pairsOf } from "../../../measurement/labels.ts";
import type { TimeWindow } from "../../../measurement/time-window.ts";
import { type BaselineSource, baselineWindow } from "../../baseline.ts";
import type { PairForm, SensorgramSource } from "../../curve-units.ts";
import { phasesOf } from "../../responses.ts";
import { modelName, modelNamed } from "../models.ts";
import { analyteOf, cyclesOf, type LeftOut, type PlannedCycle } from "./cycles.ts";

export type KineticsSource = SensorgramSource & BaselineSource & ManifestPart<{ injections: "all" }>;

/** The user's request. */
export interface KineticsRequest {
  /** Patterns of labels; undefined: all. */
  readonly roi: readonly string[] | undefined;
  /** Names of groups; undefined: all. */
  readonly group: readonly string[] | undefined;
  /** One curve for each grating, from its two halves. */
  readonly pairs: boolean;
  readonly model: string;
  /** Solution; undefined: the one with most injections. */
  readonly solution: string | undefined;
  /** Seconds from the start of an injection until the liquid is over the chip. */
  readonly delayS: number;
  readonly subtractBlanks: boolean;
  /** Whether to also fit each group with common rates. */
  readonly pooled: boolean;
}

export const USUAL_REQUEST: KineticsRequest = {
  roi: undefined,
  group: undefined,
  pairs: true,
  model: "auto",
  solution: undefined,
  delayS: 0,
  subtractBlanks: true,
  pooled: false,
};

export interface KineticsPlan {
  readonly analysisId: number;
  readonly analysis: string;
  readonly model: string;
  readonly solution: string;
  /** Solutions of sample injections that are not fitted. */
  readonly otherSolutions: readonly string[];
  readonly roi: readonly string[];
  readonly group: readonly string[] | null;
  readonly groups: Groups;
  readonly pairs: PairForm | null;
  readonly references: readonly string[];
  /** Window that shifts are relative to. */
  readonly baseline: TimeWindow;
  /** Time of the last frame. */
  readonly untilUs: number;
  readonly delayS: number;
  readonly subtractBlanks: boolean;
  readonly pooled: boolean;
  readonly samples: readonly PlannedCycle[];
  readonly blanks: readonly PlannedCycle[];
  readonly leftOut: readonly LeftOut[];
}

/** Limit for the delay, longer than any tube needs. */
const MOST_DELAY_S = 3600;

/** Makes the plan of a request for an analysis. Failure `usage.invalid` if there is nothing to fit, with advice. */
export function planOf(
  source: KineticsSource,
  { Analysis: configured }: Pick<Config, "Analysis">,
  analysis: Analysis,
  request: KineticsRequest,
): KineticsPlan {
  const { delayS } = request;
  if (!(Math.abs(delayS) <= MOST_DELAY_S)) {
    throw new Failure("usage.invalid", `${delayS} s is not a valid delay`, { hint: "give seconds, such as 12.5" });
  }
  const model = modelNamed(request.model);
  const timesUs = source.results.sensorgram({ analysisId: analysis.analysisId, roi: 0 }).capturedAtUs;
  const [firstUs = 0, untilUs = 0] = [timesUs[0], timesUs.at(-1)];
  const phases = phasesOf(source.injections.all(), firstUs, untilUs);
  const samples = phases.filter(({ injection: { type } }) => type === "sample");
  if (samples.length === 0) {
    throw new Failure(
      "usage.invalid",
      phases.length === 0 ? "there are no injections" : "there is no injection of a sample",
      {
        hint: 'record what was injected, such as `phorest injections add antibody --concentration "50 nM" --start 600 --duration 180`',
      },
    );
  }
  const solutions = solutionsOf(samples.map(({ injection }) => injection.solution));
  const solution = chosenSolution(solutions, request.solution);
  const needsConcentration = model === "auto" || model.kind !== "dissociation";
  const cycles = cyclesOf(phases, { solution, timesUs, delayUs: delayS * 1e6, needsConcentration });
  if (cycles.samples.length === 0) {
    const why = cycles.leftOut.map(({ injection, why: reason }) => `injection ${injection}: ${reason}`).join("; ");
    throw new Failure("usage.invalid", `no injection of ${solution} can be fitted: ${why}`, {
      hint: "see `phorest injections list`",
    });
  }
  return {
    analysisId: analysis.analysisId,
    analysis: analysis.name,
    model: model === "auto" ? "auto" : modelName(model),
    solution,
    otherSolutions: solutions.filter((other) => other !== solution),
    roi: request.roi ?? ["*"],
    group: request.group === undefined ? null : knownGroups(request.group, analysis, configured.groups),
    groups: configured.groups,
    pairs: request.pairs && hasPairs(source, analysis) ? configured.pair_form : null,
    references: configured.reference_rois,
    baseline: baselineWindow(source, configured.baseline_seconds, analysis.analysisId),
    untilUs,
    delayS,
    subtractBlanks: request.subtractBlanks,
    pooled: request.pooled,
    ...cycles,
  };
}

/**
 * Returns the wanted one of the injected solutions, or the most frequent one; concentrations in names are ignored. Failure
 * `usage.invalid` if it was not injected.
 */
export function solutionAmong(names: readonly string[], wanted: string | undefined): string {
  return chosenSolution(solutionsOf(names), wanted);
}

/** Returns the names of the injected solutions, most frequent first; concentrations in names are ignored. */
function solutionsOf(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names.map(analyteOf)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

function chosenSolution(solutions: readonly string[], wanted: string | undefined): string {
  const [first = ""] = solutions;
  if (wanted === undefined) return first;
  const found = solutions.find((name) => name.toLowerCase() === analyteOf(wanted).toLowerCase());
  if (found !== undefined) return found;
  const meant = nearest(wanted, solutions);
  throw new Failure("usage.invalid", `no sample of "${wanted}" was injected`, {
    hint: meant === undefined ? `choose from ${solutions.join(", ")}` : `did you mean "${meant}"?`,
  });
}

function knownGroups(wanted: readonly string[], { labels }: Analysis, groups: Groups): readonly string[] {
  const known = [...new Set(labels.flatMap((label) => groupsOf(label, groups)))];
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return wanted;
  throw new Failure("usage.invalid", `there is no group "${unknown}"`, { hint: `choose from ${known.join(", ")}` });
}

function hasPairs({ analyses }: KineticsSource, { roiManifestId }: Analysis): boolean {
  return roiManifestId !== undefined && pairsOf(analyses.roiManifest(roiManifestId)?.rois ?? []).length > 0;
}
