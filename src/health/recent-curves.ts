// The positions of the frames measured last: for alarms, sparklines and the health report.

import type { Curve } from "../manifest/frame-curve.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Analysis } from "../manifest/runs.ts";

export interface RecentCurves {
  readonly analysis: Analysis;
  readonly labels: readonly string[];
  /** The latest at the end. */
  readonly curves: readonly Curve[];
}

/** At most `limit` frames of the analysis that measured last; undefined before the first. */
export function recentCurves(
  manifest: Pick<Manifest, "analyses" | "latestCurves">,
  limit: number,
): RecentCurves | undefined {
  let newest: { analysis: Analysis; outcomeId: number } | undefined;
  for (const analysis of manifest.analyses()) {
    const outcomeId = manifest.latestCurves(analysis.analysisId, 1)[0]?.outcomeId;
    if (outcomeId !== undefined && outcomeId > (newest?.outcomeId ?? 0)) newest = { analysis, outcomeId };
  }
  if (newest === undefined) return undefined;
  const { analysis } = newest;
  return { analysis, labels: analysis.labels, curves: manifest.latestCurves(analysis.analysisId, limit) };
}
