// Selects the part of an experiment that `phorest export` writes: a time range of frames, and some ROIs.
import { type TypedWindow, typedWindow } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { gratingOf, labelMatcher } from "../measurement/labels.ts";
import { refuseUnknownNames } from "../measurement/roi-names.ts";
import { ALWAYS, type TimeWindow } from "../measurement/time-window.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { refuseEmpty } from "./empty-window.ts";

/**
 * Returns the window of `--from` (or `--since`) and `--to`, including a frame at exactly `--to`. Throws Failure `usage.invalid`
 * if it has no frame.
 */
export function exportedWindow(manifest: Manifest, { since, from, to }: TypedWindow, zone: TimeZone): TimeWindow {
  if (since !== undefined && from !== undefined)
    throw new Failure("usage.invalid", "--since and --from mean the same", { hint: "give one of them" });
  const window = typedWindow({ since, from, to }, manifest.history.oldestCaptureUs(), zone);
  if (window === undefined) return ALWAYS;
  const given = [since && "--since", from && "--from", to && "--to"].filter((option) => option !== undefined);
  refuseEmpty(given.join(" and "), window, manifest, zone);
  return window;
}

/**
 * Returns a function that selects the ROIs of `--roi`: patterns of their names, or of the names of their gratings. Throws Failure
 * `usage.invalid` if an exported analysis has none of them.
 */
export function exportedRois(
  manifest: Manifest,
  analyses: ReadonlySet<number> | undefined,
  patterns: readonly string[] | undefined,
): ((label: string) => boolean) | undefined {
  if (patterns === undefined) return undefined;
  const wantedBy = (wanted: readonly string[]) => {
    const matches = labelMatcher(wanted);
    return (label: string) => matches(label) || matches(gratingOf(label));
  };
  const exported = manifest.analyses.all().filter(({ analysisId }) => analyses?.has(analysisId) !== false);
  const labels = exported.flatMap((analysis) => analysis.labels);
  if (exported.length > 0)
    refuseUnknownNames(patterns, labels, { isKnown: (pattern) => labels.some(wantedBy([pattern])) });
  return wantedBy(patterns);
}
