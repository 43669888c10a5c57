// The positions in the last measured frames, for alarms, sparklines and the health report.

import type { Analysis } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";

export interface RecentCurves {
  readonly analysis: Analysis;
  readonly labels: readonly string[];
  /** In order of capture. */
  readonly curves: readonly Curve[];
}

/** Returns at most `limit` frames, those measured last, of the analysis that measured last; undefined before the first. */
export function recentCurves(
  manifest: ManifestPart<{ analyses: "all"; curves: "latest"; outcomes: "analysisBeside" }>,
  limit: number,
): RecentCurves | undefined {
  const newest = manifest.outcomes.analysisBeside(Number.MAX_SAFE_INTEGER, "before");
  const analysis = manifest.analyses.all().find(({ analysisId }) => analysisId === newest);
  if (analysis === undefined) return undefined;
  const curves = manifest.curves.latest(analysis.analysisId, limit).sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  return { analysis, labels: analysis.labels, curves };
}
