// The positions of the frames measured last: for alarms, sparklines and the health report.

import type { Analysis } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";

export interface RecentCurves {
  readonly analysis: Analysis;
  readonly labels: readonly string[];
  /** The latest at the end. */
  readonly curves: readonly Curve[];
}

/** At most `limit` frames of the analysis that measured last; undefined before the first. */
export function recentCurves(
  manifest: ManifestPart<{ analyses: "all"; curves: "latest" }>,
  limit: number,
): RecentCurves | undefined {
  let newest: { analysis: Analysis; outcomeId: number } | undefined;
  for (const analysis of manifest.analyses.all()) {
    const outcomeId = manifest.curves.latest(analysis.analysisId, 1)[0]?.outcomeId;
    if (outcomeId !== undefined && outcomeId > (newest?.outcomeId ?? 0)) newest = { analysis, outcomeId };
  }
  if (newest === undefined) return undefined;
  const { analysis } = newest;
  return { analysis, labels: analysis.labels, curves: manifest.curves.latest(analysis.analysisId, limit) };
}
