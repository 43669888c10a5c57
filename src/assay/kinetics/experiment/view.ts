// Converts the kinetics of an experiment to data for other programs and for the page. Rates in SI units with M for mol/l,
// responses in px.
import { isoFromUs } from "../../../manifest/timestamps.ts";
import type { KineticsFit, NoFit } from "../fit.ts";
import { predictionOf } from "../prediction.ts";
import type { QuantityRecord } from "../record.ts";
import { type FitRecord, type NoFitRecord, quantityOf, recordOf } from "../record.ts";
import type { ExperimentKinetics } from "./experiment-kinetics.ts";
import type { GroupKinetics, GroupMean } from "./groups.ts";

interface GroupMeanView {
  readonly value: number | null;
  readonly standard_error: number | null;
  readonly low95: number | null;
  readonly high95: number | null;
  /** Standard deviation of the logarithm between gratings: 0.1 is 10 %. */
  readonly spread: number | null;
  readonly differs: boolean;
  readonly used: number;
}

interface GroupView {
  readonly group: string;
  readonly gratings: number;
  readonly ka: GroupMeanView;
  readonly kd: GroupMeanView;
  readonly KD: GroupMeanView;
  readonly Rmax: GroupMeanView;
  /** One fit with common rates; absent if none was requested or possible. */
  readonly pooled?: {
    readonly model: string;
    readonly ka: QuantityRecord;
    readonly kd: QuantityRecord;
    readonly KD: QuantityRecord;
    readonly gratings: number;
    readonly points: number;
    readonly chi2: number;
  };
  readonly not_pooled?: string;
}

export type GratingView = (FitRecord | NoFitRecord) & {
  readonly groups: readonly string[];
  /** Number of frames in the windows, and of those that cannot be used. */
  readonly frames: number;
  readonly unusable_frames: number;
  /** Prediction for the last cycle; null if nothing can be predicted. */
  readonly prediction: PredictionView | null;
};

/** Times in seconds. */
interface PredictionView {
  readonly cycle: string;
  /** Time from the start of its last injection until 95 % of the change is done. */
  readonly association95: { readonly value: number; readonly low95: number; readonly high95: number } | null;
  /** Time of dissociation until its frames alone determine kd to 10 %; `is_at_least`: so far only a bound of kd is known. */
  readonly dissociation: { readonly seconds: number; readonly is_at_least: boolean } | null;
}

export interface KineticsView {
  readonly settings: {
    readonly analysis: string;
    readonly model: string;
    readonly solution: string;
    readonly other_solutions: readonly string[];
    readonly pairs: boolean;
    readonly references: readonly string[];
    readonly delay_s: number;
    readonly subtract_blanks: boolean;
    /** ISO times. */
    readonly baseline: { readonly from: string; readonly to: string };
    readonly until: string;
  };
  readonly units: { readonly ka: string; readonly kd: string; readonly KD: string; readonly Rmax: string };
  /** ISO times, including the delay. */
  readonly windows: readonly {
    readonly cycle: number;
    readonly type: "sample" | "blank";
    readonly from: string;
    readonly to: string;
    readonly injections: readonly {
      readonly id: number;
      readonly start: string;
      readonly end: string;
      readonly concentration: number;
    }[];
  }[];
  readonly left_out: readonly { readonly injection: number; readonly why: string }[];
  readonly blanks: readonly {
    readonly cycle: number;
    readonly noise_px: number | null;
    readonly quiet: boolean;
    readonly subtracted_from: readonly number[];
  }[];
  readonly references: {
    readonly labels: readonly string[];
    readonly binds: boolean;
    readonly bound_px: number | null;
    readonly typical_px: number | null;
  };
  readonly curves: readonly GratingView[];
  readonly groups: readonly GroupView[];
  readonly notes: readonly string[];
  /** SHA-256 of the fitted numbers. */
  readonly data_sha256: string;
}

/** `points`: number of points to include for drawing each cycle with its fit; 0: none. */
export function kineticsView(found: ExperimentKinetics, points = 0): KineticsView {
  const { plan, references } = found;
  return {
    settings: {
      analysis: plan.analysis,
      model: plan.model,
      solution: plan.solution,
      other_solutions: plan.otherSolutions,
      pairs: plan.pairs !== null,
      references: plan.references,
      delay_s: plan.delayS,
      subtract_blanks: plan.subtractBlanks,
      baseline: { from: isoFromUs(plan.baseline.fromUs), to: isoFromUs(plan.baseline.toUs) },
      until: isoFromUs(plan.untilUs),
    },
    units: { ka: "1/(M s)", kd: "1/s", KD: "M", Rmax: "px" },
    windows: (["sample", "blank"] as const).flatMap((type) =>
      plan[`${type}s`].map(({ cycle, fromUs, toUs, injections }) => ({
        cycle,
        type,
        from: isoFromUs(fromUs),
        to: isoFromUs(toUs),
        injections: injections.map(({ injectionId, startUs, endUs, concentration }) => ({
          id: injectionId,
          start: isoFromUs(startUs),
          end: isoFromUs(endUs),
          concentration,
        })),
      })),
    ),
    left_out: plan.leftOut,
    blanks: found.blanks.map(({ cycle, noise, isQuiet, subtractedFrom }) => ({
      cycle,
      noise_px: finite(noise),
      quiet: isQuiet,
      subtracted_from: subtractedFrom,
    })),
    references: {
      labels: references.labels,
      binds: references.binds,
      bound_px: finite(references.bound),
      typical_px: finite(references.typical),
    },
    curves: found.gratings.map(({ found: fit, groups, frames, unusable }) => ({
      ...recordOf(fit, points),
      groups,
      frames,
      unusable_frames: unusable,
      prediction: predictionView(fit),
    })),
    groups: found.groups.map(groupView),
    notes: found.notes,
    data_sha256: found.sha256,
  };
}

function predictionView(found: KineticsFit | NoFit): PredictionView | null {
  const prediction = "why" in found || found.flags.includes("no_binding") ? undefined : predictionOf(found.fit);
  if (prediction === undefined) return null;
  const { cycle, association95, dissociation } = prediction;
  return {
    cycle,
    association95:
      association95 === undefined
        ? null
        : { value: association95.seconds, low95: association95.low95, high95: association95.high95 },
    dissociation:
      dissociation === undefined ? null : { seconds: dissociation.seconds, is_at_least: dissociation.isAtLeast },
  };
}

function groupView({ name, gratings, ka, kd, KD, Rmax, pooled, notPooled }: GroupKinetics): GroupView {
  return {
    group: name,
    gratings,
    ka: meanView(ka),
    kd: meanView(kd),
    KD: meanView(KD),
    Rmax: meanView(Rmax),
    ...(pooled === undefined
      ? {}
      : { pooled: { ...pooled, ka: quantityOf(pooled.ka), kd: quantityOf(pooled.kd), KD: quantityOf(pooled.KD) } }),
    ...(notPooled === undefined ? {} : { not_pooled: notPooled }),
  };
}

function meanView({ standardError, ...rest }: GroupMean): GroupMeanView {
  return { ...rest, standard_error: standardError };
}

const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;
