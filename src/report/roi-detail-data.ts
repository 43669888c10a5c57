// Collects the data of a report: the precision of the newest analysis, and the details of selected ROIs.
import { existsSync } from "node:fs";
import type { AnalysisSettings } from "../analysis/settings.ts";
import { baselineWindow } from "../assay/baseline.ts";
import type { CurveManifest } from "../assay/joined.ts";
import { sensitivitiesFor } from "../assay/sensitivity.ts";
import { Sensorgrams } from "../assay/sensorgrams.ts";
import type { GroupPrecision } from "../assay/worked-sensorgram.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { plotMarkers } from "../figures/plot-feed.ts";
import type { RoiPrecision } from "../figures/precision-figure.ts";
import type { RoiDetail } from "../figures/roi-detail.ts";
import { viewRoi } from "../figures/roi-view.ts";
import type { RecentCurves } from "../health/recent-curves.ts";
import { decodePicture } from "../image/decode.ts";
import { pictureNameProblem } from "../image/picture-name.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { frameName } from "../manifest/page-rows.ts";
import { type PictureRoots, placeOf } from "../manifest/picture-place.ts";
import type { Sensorgram } from "../manifest/results.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import { labelMatcher } from "../measurement/labels.ts";
import { refuseUnknownNames } from "../measurement/roi-names.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";

/** An analysis, and its last frames. */
export type Measured = RecentCurves;

/** Number of last frames that are searched for one whose picture still exists locally. */
const LOOK_BACK = 50;

/** Returns an analysis with its last frames. */
export function measuredBy(manifest: Manifest, analysis: Analysis): Measured {
  return { analysis, labels: analysis.labels, curves: manifest.curves.latest(analysis.analysisId, LOOK_BACK) };
}

/** The precision of every ROI, and of the mean of each group. */
interface Precisions {
  readonly quiet: readonly RoiPrecision[];
  readonly groups: readonly GroupPrecision[];
}

/** Computes noise, drift and limit of detection of every ROI and group in the current baseline, with references subtracted. */
export function precisions(manifest: CurveManifest, { analysis }: Measured, config: Config): Precisions {
  const { baseline_seconds, reference_rois, groups } = config.Analysis;
  const window = baselineWindow(manifest, baseline_seconds, analysis.analysisId);
  const sensorgrams = new Sensorgrams(manifest, analysis, {
    isWanted: () => true,
    isReference: labelMatcher(reference_rois),
    baseline: () => window,
    pairs: false,
    groups,
    sensitivities: sensitivitiesFor(config),
    injectionsUs: manifest.markers.moments(),
  });
  // Keeps only one curve in memory at a time.
  const quiet = Array.from(sensorgrams.curves(), ({ label, precision, sensitivity }) => ({
    label,
    precision,
    sensitivity,
  }));
  return { quiet, groups: [...sensorgrams.groups()] };
}

/** Returns the details of each selected ROI, computed on demand. Throws Failure `usage.invalid` if no ROI has this label. */
export function roiDetails(
  manifest: CurveManifest,
  measured: Measured | undefined,
  wanted: readonly string[],
  roots: PictureRoots,
  window?: TimeWindow,
): ((() => Promise<RoiDetail>) & { readonly label: string })[] {
  if (measured === undefined) {
    throw new Failure("usage.invalid", "--roi: no frame has been measured yet", { hint: "measure with `phorest run`" });
  }
  refuseUnknownNames(wanted, measured.labels);
  const isWanted = labelMatcher(wanted);
  const chosen = measured.labels.flatMap((label, at) => (isWanted(label) ? [{ label, at }] : []));
  const picture = lastPicture(manifest, measured, roots);
  return chosen.map(({ label, at }) =>
    Object.assign(() => detailOf(manifest, measured, label, at, picture, window), { label }),
  );
}

function within(curve: Sensorgram, window: TimeWindow | undefined): Sensorgram {
  if (window === undefined) return curve;
  const from = lowerBound(curve.capturedAtUs, window.fromUs);
  const to = lowerBound(curve.capturedAtUs, window.toUs + 1);
  return {
    ...curve,
    capturedAtUs: curve.capturedAtUs.slice(from, to),
    position: curve.position.slice(from, to),
    standardError: curve.standardError.slice(from, to),
    flags: curve.flags.slice(from, to),
  };
}

async function detailOf(
  manifest: CurveManifest,
  { analysis }: Measured,
  label: string,
  at: number,
  picture: LastPicture | undefined,
  window: TimeWindow | undefined,
): Promise<RoiDetail> {
  const { analysisId, method, roiManifestId } = analysis;
  const sensorgram = within(manifest.results.sensorgram({ analysisId, roi: at }), window);
  const roiManifest = roiManifestId === undefined ? undefined : manifest.analyses.roiManifest(roiManifestId);
  const markers = plotMarkers(manifest.markers.events());
  const line = manifest.references.linesOf(analysis)?.[at];
  const known = { label, method, line, sensorgram, markers };
  const hasPlace = roiManifest !== undefined && (roiManifest.rois[at]?.height ?? 0) > 0;
  if (picture === undefined || !hasPlace) return { ...known, view: undefined };
  // Written by this program; see NewAnalysis.
  const settings = JSON.parse(analysis.settings) as AnalysisSettings;
  const jointLine = line === undefined ? {} : { jointLine: line };
  const decoded = await decodePicture(picture.file, undefined, { reading: settings.sampling });
  const view = viewRoi(decoded, roiManifest, at, { ...settings, method, ...jointLine });
  return { ...known, view: { ...view, filename: picture.filename } };
}

interface LastPicture {
  readonly filename: string;
  readonly file: NamedFile;
}

/** Returns the newest measured picture that can still be read. */
function lastPicture(manifest: CurveManifest, { curves }: Measured, roots: PictureRoots): LastPicture | undefined {
  for (const { entryId } of [...curves].reverse()) {
    const picture = manifest.checks.picture(entryId);
    if (picture === undefined || picture.missing || pictureNameProblem(picture.filename) !== undefined) continue;
    const file = placeOf(picture, roots);
    if (existsSync(shownPath(file))) return { filename: frameName(picture.filename, picture.page), file };
  }
  return undefined;
}
