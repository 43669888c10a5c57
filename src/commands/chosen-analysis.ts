// Which analysis of an experiment a command uses.
import { Failure } from "../failure/failure.ts";
import { nearest } from "../failure/nearest.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { namedAnalysis, unmeasured } from "../manifest/named-analysis.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { forTerminal } from "./shown-zone.ts";

/** The option of every command that shows what was measured. */
export const ANALYSIS_OPTION = {
  type: "string",
  requiresArg: true,
  describe:
    "Name of the analysis, as `phorest analyses` lists them (default: the newest that has measured every frame)",
} as const;

/**
 * The analysis of a name (or number), else the one in force, which is said where there are others; with `tracking` the tracking
 * analysis that was measured in addition to it. Failure `usage.invalid` where there is none; it names the nearest.
 */
export function chosenAnalysis(manifest: Manifest, wanted: string | undefined, tracking = false): Analysis {
  const measured = wanted === undefined ? analysisInForce(manifest) : namedAnalysis(manifest.analyses, wanted);
  return tracking ? companionTracking(manifest, measured) : measured;
}

/** The analysis in force, said on standard error where there are others. Failure `usage.invalid` while nothing is measured. */
function analysisInForce(manifest: Manifest): Analysis {
  const found = manifest.analyses.inForce();
  if (found === undefined) throw unmeasured();
  const isSaid = sayWhatCameBefore(manifest, found);
  if (!isSaid) sayOthers(manifest, found);
  return found;
}

/**
 * The analyses whose results are exported into one file: the named one, else the one in force, continued over versions of phorest.
 * Undefined while nothing is measured.
 */
export function exportedAnalyses(manifest: Manifest, wanted: string | undefined): ReadonlySet<number> | undefined {
  const { analyses } = manifest;
  if (wanted !== undefined) return new Set([namedAnalysis(manifest.analyses, wanted).analysisId]);
  const inForce = analyses.inForce();
  if (inForce === undefined) return undefined;
  sayOthers(manifest, inForce);
  return analyses.sameMeasure(inForce);
}

/** By label of an ROI the line that it is measured with; undefined for methods without one. */
export function linesByLabel(manifest: Manifest, analysis: Analysis): ReadonlyMap<string, string> | undefined {
  const lines = manifest.references.linesOf(analysis);
  return lines && new Map(analysis.labels.map((label, roi) => [label, lines[roi] ?? ""]));
}

/** A hint for names that no ROI has: the nearest one, also for a label as files have it (`ROI_001A_N`). */
export function labelHint(analysis: Analysis, wanted: readonly string[] | undefined): string {
  const near = wanted
    ?.map((name) => nearest(name.replace(/^ROI_/i, ""), analysis.labels))
    .find((name) => name !== undefined);
  return near === undefined ? firstLabels(analysis) : `did you mean ${near}?`;
}

/** A hint for a name that no ROI has. */
export function firstLabels({ labels }: Analysis): string {
  return `the first ROIs are ${labels.slice(0, 3).join(", ")}`;
}

/** Reports that an earlier analysis measured the frames before, why, and how to get its curves. True: it has. */
function sayWhatCameBefore(
  manifest: Manifest,
  { analysisId, method, roiManifestId, remeasuredAtUs }: Analysis,
): boolean {
  if (remeasuredAtUs !== undefined) return false;
  const before = manifest.analyses
    .all()
    .findLast((one) => one.analysisId < analysisId && one.method === method && one.remeasuredAtUs === undefined);
  const first = manifest.curves.after(analysisId).next().value;
  if (before === undefined || first === undefined || manifest.curves.after(before.analysisId).next().done === true)
    return false;
  const why =
    before.roiManifestId === roiManifestId
      ? "the settings or the version of phorest changed"
      : "the chip was recalibrated";
  const what = forTerminal(`${why} at ${isoFromUs(first.capturedAtUs)}; these curves start there`);
  process.stderr.write(
    `${what}. Use --analysis "${before.name}" for the earlier ones; \`phorest sensorgram --joined\` joins them\n`,
  );
  return true;
}

/** Reports which of several analyses is shown. */
function sayOthers({ analyses }: Manifest, { analysisId, name }: Analysis): void {
  const others = analyses
    .measured()
    .filter((one) => one.analysisId !== analysisId)
    .map((one) => `"${one.name}"`);
  if (others.length === 0) return;
  process.stderr.write(`showing analysis "${name}"; --analysis shows another: ${others.join(", ")}\n`);
}

/** The tracking analysis measured in addition to an analysis; the analysis itself if it is tracking. */
function companionTracking(manifest: Manifest, analysis: Analysis): Analysis {
  if (analysis.method === "tracking") return analysis;
  const companions = new Set(manifest.analyses.companions(analysis.analysisId));
  const found = manifest.analyses.all().findLast(({ analysisId }) => companions.has(analysisId));
  if (found !== undefined) return found;
  throw new Failure("usage.invalid", `analysis "${analysis.name}" has no tracking results`, {
    hint: 'measure with Data_Analysis.also = ["tracking"]',
  });
}
