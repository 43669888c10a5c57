// Finds where a curve continues with another ROI manifest or another version of phorest: when, why, and how far the positions
// step there.
import type { Analysis, AnalysisSwitch } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { isSameCalibration } from "../measurement/keep-rois.ts";
import { medianOf } from "../measurement/statistics.ts";

type ChangeSource = ManifestPart<{ analyses: "switches" | "roiManifest"; curves: "within" }>;

/**
 * `found again`: the ROIs moved. `other ROIs`: a different selection from the same calibration. `version`: another kernel
 * version. `reference`: the positions are relative to the first frames of another run.
 */
type ChangeKind = "found again" | "other ROIs" | "version" | "reference";

/** The frame from which on another analysis of a chain measured. */
export interface AnalysisChange {
  readonly atUs: number;
  readonly kind: ChangeKind;
  /** Names of the analyses on both sides. */
  readonly before: string;
  readonly after: string;
  /** Median over the ROIs of the size of the step between the frames before and after, px; NaN if nothing can be compared. */
  readonly stepPx: number;
  /** Number of ROIs in that median. */
  readonly rois: number;
}

/** Returns the changes within a chain of analyses, in order of time. */
export function analysisChanges(source: ChangeSource, chain: readonly Analysis[]): AnalysisChange[] {
  if (chain.length < 2) return [];
  const byId = new Map(chain.map((analysis) => [analysis.analysisId, analysis]));
  return source.analyses.switches([...byId.keys()]).flatMap((change) => {
    const [before, after] = [byId.get(change.before), byId.get(change.after)];
    if (before === undefined || after === undefined) return [];
    const kind = kindOf(source, before, after);
    return [
      { atUs: change.atUs, kind, before: before.name, after: after.name, ...stepOf(source, before, after, change) },
    ];
  });
}

function kindOf({ analyses }: ChangeSource, before: Analysis, after: Analysis): ChangeKind {
  if (before.roiManifestId === after.roiManifestId) {
    return before.kernelVersion === after.kernelVersion ? "reference" : "version";
  }
  const [one, other] = [before, after].map(({ roiManifestId: id }) =>
    id === undefined ? undefined : analyses.roiManifest(id),
  );
  const isSame = one !== undefined && other !== undefined && isSameCalibration(one, other);
  return isSame ? "other ROIs" : "found again";
}

function stepOf({ curves }: ChangeSource, before: Analysis, after: Analysis, { atUs, fromUs, toUs }: AnalysisSwitch) {
  const earlier = [...curves.within(before.analysisId, fromUs, atUs)];
  const later = [...curves.within(after.analysisId, atUs, toUs)];
  const steps = after.labels.flatMap((label, roi) => {
    const place = before.labels.indexOf(label);
    const step = Math.abs(level(later, roi) - level(earlier, place));
    return place < 0 || Number.isNaN(step) ? [] : [step];
  });
  return { stepPx: medianOf(Float64Array.from(steps)), rois: steps.length };
}

/** Returns the median of the valid positions of an ROI in some frames, px; NaN if there are none. */
function level(frames: readonly Curve[], roi: number): number {
  return medianOf(
    Float64Array.from(frames, ({ position, flags }) => (flags[roi] === 0 ? (position[roi] ?? Number.NaN) : Number.NaN)),
  );
}

/** What changed, as text. */
export const CHANGE_WHY: Readonly<Record<ChangeKind, string>> = {
  "found again": "the chip was found again (new ROI manifest)",
  "other ROIs": "other ROIs of the same calibration",
  version: "new version of phorest",
  reference: "a run with references of its own",
};

/**
 * Returns the markers, plus a mark for each change in a curve. Adds none where a run has already added a marker because it
 * began with other ROIs.
 */
export function withChangeMarks<M extends { readonly atUs: number }>(
  markers: readonly M[],
  changes: readonly { readonly atUs: number; readonly text: string }[],
): (M | { readonly atUs: number; readonly text: string })[] {
  const marks = changes.filter(({ atUs }) => !markers.some((marker) => marker.atUs === atUs));
  return [...markers, ...marks].sort((a, b) => a.atUs - b.atUs);
}

/** Returns how far the positions step, as text. */
export function changeStep({ stepPx, rois }: Pick<AnalysisChange, "stepPx" | "rois">): string {
  if (Number.isNaN(stepPx)) return "no ROI can be compared";
  return `positions step by ${stepPx.toFixed(3)} px (median of ${rois} ROIs)`;
}

/** Returns a change as text: "2026-03-04T10:00:00.000000Z: the chip was found again (new ROI manifest); analysis …". */
export function changeText(change: AnalysisChange): string {
  const { atUs, kind, before, after } = change;
  return `${isoFromUs(atUs)}: ${CHANGE_WHY[kind]}; analysis "${before}" before, "${after}" after; ${changeStep(change)}`;
}

/** Explanation of such a step. */
export const CHANGE_MEANING =
  "Such a step is what the sample did meanwhile and the new place of the ROIs together. In curves of whole gratings, a shift of both halves cancels.";
