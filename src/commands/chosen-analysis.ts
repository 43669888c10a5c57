// Which analysis of an experiment a command uses.
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";

/**
 * The analysis of a number, else the newest that has measured anything; with `tracking` the tracking analysis that was measured in
 * addition to it. Failure `usage.invalid` where there is none.
 */
export function chosenAnalysis(manifest: Manifest, wanted: number | undefined, tracking = false): Analysis {
  const measured = analysisOf(manifest, wanted);
  sayWhatCameBefore(manifest, measured);
  return tracking ? companionTracking(manifest, measured) : measured;
}

/** By label of an ROI the line that it is measured with; undefined for methods without one. */
export function linesByLabel(manifest: Manifest, analysis: Analysis): ReadonlyMap<string, string> | undefined {
  const lines = manifest.references.linesOf(analysis);
  return lines && new Map(analysis.labels.map((label, roi) => [label, lines[roi] ?? ""]));
}

/** A hint for a name that no ROI has. */
export function firstLabels({ labels }: Analysis): string {
  return `the first ROIs are ${labels.slice(0, 3).join(", ")}`;
}

/** The analysis asked for, or the newest that has measured anything. */
function analysisOf(manifest: Manifest, wanted: number | undefined): Analysis {
  const analyses = manifest.analyses.all();
  const found =
    wanted === undefined
      ? analyses.findLast(({ analysisId }) => manifest.curves.after(analysisId).next().done === false)
      : analyses.find(({ analysisId }) => analysisId === wanted);
  if (found !== undefined) return found;
  const known = analyses.map(({ analysisId, method }) => `${analysisId} (${method})`).join(", ");
  throw new Failure(
    "usage.invalid",
    wanted === undefined ? "no frame has been measured yet" : `no analysis ${wanted}`,
    {
      hint: known === "" ? "measure with `phorest run`" : `there are ${known}`,
    },
  );
}

/** Reports that an earlier analysis measured the frames before, why, and how to get its curves. */
function sayWhatCameBefore(manifest: Manifest, { analysisId, method, roiManifestId }: Analysis): void {
  const before = manifest.analyses.all().findLast((one) => one.analysisId < analysisId && one.method === method);
  const first = manifest.curves.after(analysisId).next().value;
  if (before === undefined || first === undefined || manifest.curves.after(before.analysisId).next().done === true)
    return;
  const why =
    before.roiManifestId === roiManifestId
      ? "the settings or the version of phorest changed"
      : "the chip was recalibrated";
  process.stderr.write(
    `${why} at ${isoFromUs(first.capturedAtUs)}; these curves start there. ` +
      `Use --analysis ${before.analysisId} for the earlier ones\n`,
  );
}

/** The tracking analysis measured in addition to an analysis; the analysis itself if it is tracking. */
function companionTracking(manifest: Manifest, analysis: Analysis): Analysis {
  if (analysis.method === "tracking") return analysis;
  const companions = new Set(manifest.analyses.companions(analysis.analysisId));
  const found = manifest.analyses.all().findLast(({ analysisId }) => companions.has(analysisId));
  if (found !== undefined) return found;
  throw new Failure("usage.invalid", `analysis ${analysis.analysisId} (${analysis.method}) has no tracking results`, {
    hint: 'measure with Data_Analysis.also = ["tracking"]',
  });
}
