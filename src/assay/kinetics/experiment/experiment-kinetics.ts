// Computes the kinetics of an experiment: fits of every grating and group from the stored sensorgrams and injections. Used by
// the command line, the page and the report.
import type { Analysis } from "../../../manifest/analyses.ts";
import type { SensorgramSource } from "../../curve-units.ts";
import type { CurveSet } from "../curve-set.ts";
import { fitCurveSet, type KineticsFit, type NoFit } from "../fit.ts";
import { modelNamed } from "../models.ts";
import { type PreparedCurve, type PreparedCurves, preparedCurves } from "./curves.ts";
import { type GroupKinetics, groupKinetics } from "./groups.ts";
import type { KineticsPlan } from "./plan.ts";
import { type ReferenceFinding, referenceFinding } from "./references.ts";

interface GratingKinetics extends Omit<PreparedCurve, "set"> {
  readonly found: KineticsFit | NoFit;
}

export interface ExperimentKinetics extends Pick<PreparedCurves, "blanks" | "withoutBlank" | "sha256"> {
  readonly plan: KineticsPlan;
  readonly gratings: readonly GratingKinetics[];
  readonly groups: readonly GroupKinetics[];
  readonly references: ReferenceFinding;
  /** Messages for the user, one sentence each. */
  readonly notes: readonly string[];
}

/** Runs the fits of a plan. The same plan and frames give exactly the same numbers. */
export function experimentKinetics(
  source: SensorgramSource,
  analysis: Analysis,
  plan: KineticsPlan,
): ExperimentKinetics {
  const prepared = preparedCurves(source, analysis, plan);
  const model = modelNamed(plan.model);
  const fitted = prepared.curves.map(
    ({ set, ...rest }): GratingKinetics => ({ ...rest, found: fitOf(set, rest, model) }),
  );
  const references = referenceFinding(
    prepared.references,
    prepared.reference,
    fitted.map(({ found }) => found),
  );
  const gratings = references.binds ? fitted.map(nonSpecific) : fitted;
  const names = [...new Set(gratings.flatMap(({ groups }) => groups))].filter(
    (name) => plan.group?.includes(name) ?? true,
  );
  const groups = names.map((name) => {
    const own = gratings.filter((one) => one.groups.includes(name));
    return groupKinetics(
      name,
      own.map(({ found }) => found),
      plan.pooled,
    );
  });
  const { blanks, withoutBlank, sha256 } = prepared;
  return {
    plan,
    gratings,
    groups,
    references,
    blanks,
    withoutBlank,
    sha256,
    notes: notesOf(plan, prepared, references),
  };
}

function fitOf(set: CurveSet, { frames, unusable }: Omit<PreparedCurve, "set">, model: ReturnType<typeof modelNamed>) {
  if (frames > 0 && unusable === frames) return { set, why: "every frame is flagged or has no position" };
  return fitCurveSet(set, model);
}

function nonSpecific(one: GratingKinetics): GratingKinetics {
  if ("why" in one.found) return one;
  return { ...one, found: { ...one.found, flags: [...one.found.flags, "non_specific"] } };
}

function notesOf(
  plan: KineticsPlan,
  { blanks, withoutBlank, references }: PreparedCurves,
  found: ReferenceFinding,
): string[] {
  const notes: string[] = [];
  const list = (numbers: readonly number[]) => numbers.join(", ");
  if (plan.otherSolutions.length > 0) {
    notes.push(`fitted ${plan.solution}; other solutions: ${plan.otherSolutions.join(", ")}`);
  }
  for (const { injection, why } of plan.leftOut) notes.push(`injection ${injection} is left out: ${why}`);
  if (references.length === 0)
    notes.push("no reference gratings (Analysis.reference_rois): drift and bulk shifts of the chip are in the curves");
  if (found.binds) {
    const share =
      found.typical === undefined
        ? ""
        : `, ${((100 * (found.bound ?? 0)) / found.typical).toFixed(0)} % of a typical grating`;
    notes.push(
      `the references bind (${(found.bound ?? 0).toPrecision(3)} px${share}): more than background is subtracted`,
    );
  }
  for (const { cycle, isQuiet, subtractedFrom } of blanks) {
    if (!isQuiet) notes.push(`the blank of cycle ${cycle} is too noisy and not used`);
    else if (subtractedFrom.length > 0)
      notes.push(`the blank of cycle ${cycle} is subtracted from cycle ${list(subtractedFrom)}`);
  }
  if (withoutBlank.length > 0) {
    notes.push(`no blank with the same timing for cycle ${list(withoutBlank)}: nothing is subtracted there`);
  }
  if (plan.subtractBlanks && plan.blanks.length === 0)
    notes.push("no blank was injected: nothing is subtracted but the references");
  return notes;
}
