// Builds the cycles to fit from the injections of an experiment: which injections belong to a cycle, and its start and end.
import type { Phases } from "../../responses.ts";

interface PlannedInjection {
  readonly injectionId: number;
  /** Start, including the delay until the liquid is over the chip. */
  readonly startUs: number;
  readonly endUs: number;
  /** M. */
  readonly concentration: number;
}

export interface PlannedCycle {
  /** Number of the cycle, as recorded with the injections. */
  readonly cycle: number;
  /** The injections; several form a titration without regeneration. */
  readonly injections: readonly PlannedInjection[];
  /** The cycle's frames: from the baseline before the first injection to the end of the last dissociation. */
  readonly fromUs: number;
  readonly toUs: number;
}

/** An injection that is not fitted. */
export interface LeftOut {
  readonly injection: number;
  readonly why: string;
}

interface CycleOptions {
  readonly solution: string;
  /** Times of the frames. */
  readonly timesUs: Float64Array;
  readonly delayUs: number;
  readonly needsConcentration: boolean;
}

/** With fewer frames in an association, there is no curve to fit. */
const FEWEST_FRAMES = 4;
/** Length of the baseline before an injection, relative to the injection, and the minimum number of its frames. */
const LEAD = 0.5;
const LEAD_FRAMES = 5;

const CONCENTRATION = /[\s,;_-]*\(?[\d.,]+(?:e-?\d+)?\s*[fpnuµμm]?M\)?(?![\p{L}\p{N}])/giu;

/** Returns the name of a solution without its concentration: "CRP 50 nM" and "CRP 5 nM" are the same analyte. */
export function analyteOf(solution: string): string {
  return solution.replace(CONCENTRATION, "").trim() || solution.trim();
}

/** Returns the cycles of a solution and the blanks, in order of time. */
export function cyclesOf(phases: readonly Phases[], options: CycleOptions) {
  const samples: PlannedCycle[] = [];
  const blanks: PlannedCycle[] = [];
  const leftOut: LeftOut[] = [];
  let open: { readonly isBlank: boolean; readonly phases: Phases[] } | undefined;
  const close = () => {
    if (open === undefined) return;
    (open.isBlank ? blanks : samples).push(cycleOf(open.phases, phases, options));
    open = undefined;
  };
  for (const one of phases) {
    const { injectionId, type, cycle, solution } = one.injection;
    // Skipped, because buffer flows in every dissociation.
    if (type === "buffer") continue;
    const isBlank = type === "blank";
    const isSample = type === "sample" && analyteOf(solution).toLowerCase() === options.solution.toLowerCase();
    if (!isBlank && !isSample) {
      close();
      continue;
    }
    const isSameCycle = open?.phases[0]?.injection.cycle === cycle;
    const why =
      unusable(one, options) ??
      (isSameCycle && open?.isBlank !== isBlank ? "a blank and a sample share its cycle" : undefined);
    if (why !== undefined) {
      leftOut.push({ injection: injectionId, why });
      continue;
    }
    if (open !== undefined && isSameCycle) open.phases.push(one);
    else {
      close();
      open = { isBlank, phases: [one] };
    }
  }
  close();
  return { samples, blanks, leftOut };
}

function unusable(
  { injection: { type, concentration }, startUs, endUs }: Phases,
  { timesUs, delayUs, needsConcentration }: CycleOptions,
): string | undefined {
  if (type === "sample" && concentration === null && needsConcentration) return "its concentration is not known";
  const frames = timesUs.filter((timeUs) => timeUs >= startUs + delayUs && timeUs < endUs + delayUs).length;
  if (frames >= FEWEST_FRAMES) return undefined;
  if (frames === 0) return "no frame was measured in it";
  return frames === 1 ? "only one frame was measured in it" : `only ${frames} frames were measured in it`;
}

function cycleOf(own: readonly Phases[], all: readonly Phases[], { timesUs, delayUs }: CycleOptions): PlannedCycle {
  const [first, last] = [own[0] as Phases, own.at(-1) as Phases];
  const before = all[all.indexOf(first) - 1]?.injection.dissociationEndUs ?? Number.NEGATIVE_INFINITY;
  const [from = 0, to = 0] = [timesUs[0], timesUs.at(-1)];
  const intervalUs = (to - from) / Math.max(1, timesUs.length - 1);
  const leadUs = Math.max(LEAD * (first.endUs - first.startUs), LEAD_FRAMES * intervalUs);
  return {
    cycle: first.injection.cycle,
    injections: own.map(({ injection: { injectionId, concentration }, startUs, endUs }) => ({
      injectionId,
      startUs: startUs + delayUs,
      endUs: endUs + delayUs,
      concentration: concentration ?? 0,
    })),
    fromUs: Math.max(first.quietFromUs, before, first.startUs - leadUs) + delayUs,
    toUs: last.dissociationEndUs + delayUs,
  };
}
