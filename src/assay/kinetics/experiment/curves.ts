// Prepares the curves of an experiment for fitting: subtracts references, cuts cycles, subtracts blanks.
import { createHash } from "node:crypto";
import type { Analysis } from "../../../manifest/analyses.ts";
import { gratingOf, groupsOf, labelMatcher } from "../../../measurement/labels.ts";
import { medianOf } from "../../../measurement/statistics.ts";
import type { SensorgramSource } from "../../curve-units.ts";
import { frameNoise } from "../../frame-noise.ts";
import { FrameMean } from "../../sensorgram.ts";
import { Sensorgrams } from "../../sensorgrams.ts";
import type { WorkedSensorgram } from "../../worked-sensorgram.ts";
import type { CurveCycle, CurveSet } from "../curve-set.ts";
import { type BlankChoice, type BlankUse, chooseBlanks, withoutBlank } from "./blanks.ts";
import type { PlannedCycle } from "./cycles.ts";
import type { KineticsPlan } from "./plan.ts";

export interface PreparedCurve {
  readonly set: CurveSet;
  readonly groups: readonly string[];
  /** Number of frames in the windows, and of those that are flagged or have no position. */
  readonly frames: number;
  readonly unusable: number;
}

export interface PreparedCurves {
  readonly curves: readonly PreparedCurve[];
  /** Labels of the references, and the mean of their shifts in the same windows; undefined without any. */
  readonly references: readonly string[];
  readonly reference: CurveSet | undefined;
  readonly blanks: readonly BlankUse[];
  /** Sample cycles that no blank was subtracted from although blanks exist. */
  readonly withoutBlank: readonly number[];
  /** SHA-256 of all fitted numbers. */
  readonly sha256: string;
}

/** The cycles of a curve, before blanks are chosen. */
interface Cut {
  readonly label: string;
  readonly groups: readonly string[];
  readonly samples: readonly CutCycle[];
  readonly blanks: readonly CutCycle[];
}

interface CutCycle {
  readonly cycle: CurveCycle;
  readonly frames: number;
  readonly noise: number;
}

/** Errors below this share of the median are raised to it, so that no single frame decides a fit. */
const LEAST_ERROR = 0.25;
/** If the errors of fewer points than this share are known, all points have equal weight. */
const MOST_KNOWN = 0.5;

/** Reads the curves of a plan, one in memory at a time; keeps only the windows of the cycles. */
export function preparedCurves(source: SensorgramSource, analysis: Analysis, plan: KineticsPlan): PreparedCurves {
  const isReference = labelMatcher(plan.references);
  const isAsked = labelMatcher(plan.roi);
  const inGroups = (label: string) =>
    plan.group === null || membership(label, analysis, plan).some((one) => plan.group?.includes(one));
  const sensorgrams = new Sensorgrams(source, analysis, {
    isWanted: (label) => isReference(label) || (isAsked(label) && inGroups(label)),
    isReference,
    baseline: () => plan.baseline,
    pairs: plan.pairs !== null,
    pairForm: plan.pairs ?? undefined,
    groups: undefined,
  });
  sensorgrams.refuseUnknown(plan.roi);
  const cuts: Cut[] = [];
  const mean = new FrameMean();
  let frames: { readonly entryId: Float64Array; readonly timesUs: Float64Array } | undefined;
  let intervalS = Number.NaN;
  for (const curve of sensorgrams.curves()) {
    if (curve.reference) {
      mean.add(curve.entryId, { values: curve.shift, flags: curve.flags });
      frames = curve;
      continue;
    }
    const { timesUs } = curve;
    intervalS = ((timesUs.at(-1) ?? 0) - (timesUs[0] ?? 0)) / 1e6 / Math.max(1, timesUs.length - 1);
    cuts.push(cutOf(curve, membership(curve.label, analysis, plan), plan));
  }
  const blanks = plan.subtractBlanks ? plan.blanks : [];
  const noises = blanks.map((_blank, at) => cuts.map((cut) => cut.blanks[at]?.noise ?? Number.NaN));
  const choice = chooseBlanks(plan.samples, blanks, noises, intervalS);
  const curves = cuts.map((cut) => preparedOf(cut, choice));
  const values = frames === undefined ? undefined : mean.of(frames.entryId);
  const reference =
    frames === undefined || values === undefined
      ? undefined
      : preparedOf(
          cutOf({ ...frames, label: "references", result: values, frameErrors: undefined, flags: undefined }, [], plan),
          choice,
        ).set;
  const isLeft = (at: number) => blanks.length > 0 && choice.ofSample[at] === undefined;
  return {
    curves,
    references: sensorgrams.references,
    reference,
    blanks: choice.uses,
    withoutBlank: plan.samples.filter((_sample, at) => isLeft(at)).map(({ cycle }) => cycle),
    sha256: hashOf(curves),
  };
}

/** Returns the groups of a curve, by its label or those of its halves. */
function membership(label: string, { labels }: Analysis, { groups }: KineticsPlan): string[] {
  const own = labels.filter((one) => one === label || gratingOf(one) === label);
  return [...new Set([label, ...own].flatMap((one) => groupsOf(one, groups)))];
}

type CurveToCut = Pick<WorkedSensorgram, "label" | "timesUs" | "result"> & {
  readonly frameErrors: Float64Array | undefined;
  readonly flags: Uint8Array | undefined;
};

function cutOf(curve: CurveToCut, groups: readonly string[], plan: KineticsPlan): Cut {
  const cut = (planned: PlannedCycle) => cutCycle(curve, planned);
  return { label: curve.label, groups, samples: plan.samples.map(cut), blanks: plan.blanks.map(cut) };
}

/** Returns the usable points of a cycle; times count from the start of its first injection. */
function cutCycle({ timesUs, result, frameErrors, flags }: CurveToCut, planned: PlannedCycle): CutCycle {
  const zeroUs = planned.injections[0]?.startUs ?? planned.fromUs;
  const inWindow = [...timesUs.keys()].filter((at) => {
    const timeUs = timesUs[at] as number;
    return timeUs >= planned.fromUs && timeUs < planned.toUs;
  });
  const sound = inWindow.filter((at) => (flags?.[at] ?? 0) === 0 && Number.isFinite(result[at]));
  const isKnown = (at: number) => (frameErrors?.[at] ?? 0) > 0 && Number.isFinite(frameErrors?.[at]);
  const known = sound.filter(isKnown);
  const isWeighted = known.length > MOST_KNOWN * sound.length;
  const index = isWeighted ? known : sound;
  const values = Float64Array.from(index, (at) => result[at] as number);
  const errors = isWeighted ? floored(Float64Array.from(index, (at) => frameErrors?.[at] as number)) : undefined;
  const seconds = (us: number) => (us - zeroUs) / 1e6;
  const cycle: CurveCycle = {
    name: `cycle ${planned.cycle}`,
    timesS: Float64Array.from(index, (at) => seconds(timesUs[at] as number)),
    responses: values,
    errors,
    injections: planned.injections.map(({ startUs, endUs, concentration }) => ({
      startS: seconds(startUs),
      endS: seconds(endUs),
      concentration,
    })),
  };
  return { cycle, frames: inWindow.length, noise: frameNoise(values, Int32Array.from(index)).plain };
}

function floored(errors: Float64Array): Float64Array {
  const least = LEAST_ERROR * medianOf(errors);
  return errors.map((error) => Math.max(error, least));
}

function preparedOf({ label, groups, samples, blanks }: Cut, { ofSample }: BlankChoice): PreparedCurve {
  const cycles = samples.flatMap(({ cycle }, at): CurveCycle[] => {
    const which = ofSample[at];
    const blank = which === undefined ? undefined : blanks[which]?.cycle;
    const referenced = which === undefined || blank === undefined ? cycle : withoutBlank(cycle, blank, which);
    return referenced.timesS.length === 0 ? [] : [referenced];
  });
  const usable = cycles.reduce((sum, { timesS }) => sum + timesS.length, 0);
  const frames = samples.reduce((sum, cut) => sum + cut.frames, 0);
  return { set: { name: label, cycles: weighted(cycles) }, groups, frames, unusable: frames - usable };
}

/** Removes the errors if only some cycles have them: then they cannot be weights. */
function weighted(cycles: readonly CurveCycle[]): readonly CurveCycle[] {
  if (cycles.every(({ errors }) => errors !== undefined)) return cycles;
  return cycles.map((cycle) => ({ ...cycle, errors: undefined }));
}

function hashOf(curves: readonly PreparedCurve[]): string {
  const hash = createHash("sha256");
  const add = (values: Float64Array | undefined) => {
    if (values !== undefined) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  };
  for (const { set } of curves) {
    hash.update(set.name);
    for (const { timesS, responses, errors, injections } of set.cycles) {
      for (const values of [timesS, responses, errors]) add(values);
      hash.update(JSON.stringify(injections));
    }
  }
  return hash.digest("hex");
}
