// Where a curve goes on with another ROI manifest or another version of phorest: when, why, and how far the positions step there.
import type { Analysis, AnalysisSwitch } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { isSameCalibration } from "../measurement/keep-rois.ts";
import { medianOf } from "../measurement/statistics.ts";

type ChangeSource = ManifestPart<{ analyses: "switches" | "roiManifest"; curves: "within" }>;

/** `found again`: the ROIs are in another place. `other ROIs`: others of the same calibration. `version`: of the kernel. */
type ChangeKind = "found again" | "other ROIs" | "version";

/** A frame from which on another analysis of a chain measured. */
export interface AnalysisChange {
  readonly atUs: number;
  readonly kind: ChangeKind;
  /** Names of the analyses on both sides. */
  readonly before: string;
  readonly after: string;
  /** Median over the ROIs of the size of the step between the frames before and after, px; NaN where nothing can be compared. */
  readonly stepPx: number;
  /** ROIs that have a say in it. */
  readonly rois: number;
}

/** The changes within a chain of analyses, in order of time. */
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
  if (before.roiManifestId === after.roiManifestId) return "version";
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

/** Of an ROI in some frames: the median of its sound positions, px; NaN where there is none. */
function level(frames: readonly Curve[], roi: number): number {
  return medianOf(
    Float64Array.from(frames, ({ position, flags }) => (flags[roi] === 0 ? (position[roi] ?? Number.NaN) : Number.NaN)),
  );
}

/** For people: what changed. */
export const CHANGE_WHY: Readonly<Record<ChangeKind, string>> = {
  "found again": "the chip was found again (new ROI manifest)",
  "other ROIs": "other ROIs of the same calibration",
  version: "new version of phorest",
};

/**
 * Marks of changes in a curve, between the markers that there are. A run adds a marker itself where it begins with other ROIs: there
 * is none but that.
 */
export function withChangeMarks<M extends { readonly atUs: number }>(
  markers: readonly M[],
  changes: readonly { readonly atUs: number; readonly text: string }[],
): (M | { readonly atUs: number; readonly text: string })[] {
  const marks = changes.filter(({ atUs }) => !markers.some((marker) => marker.atUs === atUs));
  return [...markers, ...marks].sort((a, b) => a.atUs - b.atUs);
}

/** For people: how far the positions step. */
export function changeStep({ stepPx, rois }: Pick<AnalysisChange, "stepPx" | "rois">): string {
  if (Number.isNaN(stepPx)) return "no ROI can be compared";
  return `positions step by ${stepPx.toFixed(3)} px (median of ${rois} ROIs)`;
}

/** For people: "2026-03-04T10:00:00.000000Z: the chip was found again (new ROI manifest); analysis …". */
export function changeText(change: AnalysisChange): string {
  const { atUs, kind, before, after } = change;
  return `${isoFromUs(atUs)}: ${CHANGE_WHY[kind]}; analysis "${before}" before, "${after}" after; ${changeStep(change)}`;
}

/** What such a step means. */
export const CHANGE_MEANING =
  "Such a step is what the sample did meanwhile and the new place of the ROIs together. In curves of whole gratings, a shift of both halves cancels.";
