// Decides which analysis of an experiment a command uses.
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { namedAnalysis, unmeasured } from "../manifest/named-analysis.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { changeBetween, wayToJoin } from "./kept-apart.ts";
import { forTerminal } from "./shown-zone.ts";

/** The option of every command that shows what was measured. */
export const ANALYSIS_OPTION = {
  type: "string",
  requiresArg: true,
  describe:
    "Name of the analysis, as `phorest analyses` lists them (default: the newest that has measured every frame)",
} as const;

/** How the user of a command names an analysis to it: the text for a name. */
type AnalysisNaming = (name: string) => string;

const BY_OPTION: AnalysisNaming = (name) => `--analysis ${JSON.stringify(name)}`;

interface ChoiceOptions {
  /** Whether to return the tracking analysis that was measured in addition. */
  readonly tracking?: boolean;
  /** Default: by ANALYSIS_OPTION. */
  readonly naming?: AnalysisNaming;
}

/**
 * Returns the analysis with this name (or number), otherwise the default one, and reports that if there are others. Throws
 * Failure `usage.invalid` if there is none; the message suggests the closest name.
 */
export function chosenAnalysis(
  manifest: Manifest,
  wanted: string | undefined,
  { tracking = false, naming = BY_OPTION }: ChoiceOptions = {},
): Analysis {
  const measured = wanted === undefined ? saidDefault(manifest, naming) : namedAnalysis(manifest.analyses, wanted);
  return tracking ? companionTracking(manifest, measured) : measured;
}

/** Returns the analysis that is shown by default. Throws Failure `usage.invalid` if nothing is measured. */
export function defaultAnalysis({ analyses }: Pick<Manifest, "analyses">): Analysis {
  const found = analyses.inForce();
  if (found === undefined) throw unmeasured();
  return found;
}

/** Returns the default analysis, and names it on standard error if there are others. */
function saidDefault(manifest: Manifest, naming: AnalysisNaming): Analysis {
  const found = defaultAnalysis(manifest);
  const isSaid = sayWhatCameBefore(manifest, found, naming);
  if (!isSaid) sayOthers(manifest, found, naming);
  return found;
}

/**
 * Returns the analyses whose results are exported into one file: the named one, otherwise the default one, including its
 * continuations by other versions of phorest. Undefined if nothing is measured.
 */
export function exportedAnalyses(manifest: Manifest, wanted: string | undefined): ReadonlySet<number> | undefined {
  const { analyses } = manifest;
  if (wanted !== undefined) return new Set([namedAnalysis(manifest.analyses, wanted).analysisId]);
  const inForce = analyses.inForce();
  if (inForce === undefined) return undefined;
  sayOthers(manifest, inForce);
  return analyses.sameMeasure(inForce);
}

/** Returns, by ROI label, the line that each ROI is measured with; undefined for methods without one. */
export function linesByLabel(manifest: Manifest, analysis: Analysis): ReadonlyMap<string, string> | undefined {
  const lines = manifest.references.linesOf(analysis);
  return lines && new Map(analysis.labels.map((label, roi) => [label, lines[roi] ?? ""]));
}

/**
 * Reports that another analysis of the same method measured the frames before, why, and how to get its curves. Returns whether
 * there is one.
 */
function sayWhatCameBefore(manifest: Manifest, analysis: Analysis, naming: AnalysisNaming): boolean {
  const { analysisId, method, remeasuredAtUs } = analysis;
  const firstUs = firstFrameUs(manifest, analysisId);
  if (remeasuredAtUs !== undefined || firstUs === undefined) return false;
  const earlier = manifest.analyses
    .all()
    .filter((one) => one.analysisId !== analysisId && one.method === method && one.remeasuredAtUs === undefined)
    .map((one) => ({ one, atUs: firstFrameUs(manifest, one.analysisId) ?? Number.POSITIVE_INFINITY }))
    .filter(({ atUs }) => atUs < firstUs)
    .sort((a, b) => a.atUs - b.atUs);
  const before = earlier.at(-1)?.one;
  if (before === undefined) return false;
  const how = wayToJoin(manifest.analyses, analysis, before);
  const what = forTerminal(`${changeBetween(before, analysis)} at ${isoFromUs(firstUs)}; these curves start there`);
  process.stderr.write(`${what}. Use ${naming(before.name)} for the earlier ones; ${how}\n`);
  return true;
}

function firstFrameUs({ curves }: Manifest, analysisId: number): number | undefined {
  return curves.after(analysisId).next().value?.capturedAtUs;
}

/** Reports which of several analyses is shown. */
function sayOthers({ analyses }: Manifest, { analysisId, name }: Analysis, naming: AnalysisNaming = BY_OPTION): void {
  const others = analyses.measured().filter((one) => one.analysisId !== analysisId);
  if (others.length === 0) return;
  const ways = others.map((one) => naming(one.name)).join(" or ");
  process.stderr.write(`showing analysis "${name}"; for another use ${ways}\n`);
}

/** Returns the tracking analysis that was measured in addition to an analysis; the analysis itself if it is tracking. */
function companionTracking(manifest: Manifest, analysis: Analysis): Analysis {
  if (analysis.method === "tracking") return analysis;
  const companions = new Set(manifest.analyses.companions(analysis.analysisId));
  const found = manifest.analyses.all().findLast(({ analysisId }) => companions.has(analysisId));
  if (found !== undefined) return found;
  throw new Failure("usage.invalid", `analysis "${analysis.name}" has no tracking results`, {
    hint: 'measure with Data_Analysis.also = ["tracking"]',
  });
}
