// Says why frames that the same method measured are not one curve, and what the user can do about it.
import type { AnalysisSettings } from "../analysis/settings.ts";
import { chainOf } from "../assay/joined.ts";
import type { Analyses, Analysis } from "../manifest/analyses.ts";

/** The settings that distinguish analyses, by their names in the configuration. */
const SETTINGS: Readonly<Record<Exclude<keyof AnalysisSettings, "method">, string>> = {
  jointLine: "joint_line",
  referenceFrames: "reference_frames",
  subRois: "number_of_subROIs",
  sampling: "sampling",
  bitDepthScaling: "bit_depth_scaling",
  bits: "bits",
  darkLevel: "dark_level",
  fanoSign: "fano_sign",
  debug: "debug",
  trackDrift: "track_drift",
};

/** Returns the settings that differ between two analyses, such as "number_of_subROIs 1 to 10" for `between` " to ". */
function differingSettings(one: Analysis, other: Analysis, between: string): string {
  const [first, second] = [one, other].map(({ settings }) => JSON.parse(settings) as Record<string, unknown>);
  const shown = (value: unknown) => (value === undefined ? "not set" : JSON.stringify(value).replaceAll('"', ""));
  return Object.entries(SETTINGS)
    .filter(([key]) => JSON.stringify(first?.[key]) !== JSON.stringify(second?.[key]))
    .map(([key, name]) => `${name} ${shown(first?.[key])}${between}${shown(second?.[key])}`)
    .join(", ");
}

/** Returns what is different between two analyses of runs with the same method, as the beginning of a sentence. */
export function changeBetween(before: Analysis, after: Analysis): string {
  if (before.roiManifestId !== after.roiManifestId) return "the chip was recalibrated";
  if (before.settings !== after.settings) return `the settings changed (${differingSettings(before, after, " to ")})`;
  return before.kernelVersion === after.kernelVersion
    ? "a run with references of its own began"
    : "the version of phorest changed";
}

/** Returns how to see the frames of `analysis` and of `other` in one curve. */
export function wayToJoin(analyses: Pick<Analyses, "measured">, analysis: Analysis, other: Analysis): string {
  return chainOf(analyses, analysis).some(({ analysisId }) => analysisId === other.analysisId)
    ? "`phorest sensorgram --joined` joins them"
    : "they cannot be joined; `phorest remeasure` measures all frames alike";
}

/** Returns one line for each analysis of runs that holds other frames than the one that is shown by default. */
export function keptApart(analyses: Pick<Analyses, "measured" | "inForce">): string[] {
  const shown = analyses.inForce();
  if (shown === undefined) return [];
  const others = analyses
    .measured()
    .filter((one) => one.analysisId !== shown.analysisId && one.remeasuredAtUs === undefined && !one.alongWith);
  return others.map(
    (one) =>
      `analysis "${one.name}" has ${one.frames} of the frames, apart from "${shown.name}": ${whyApart(analyses, shown, one)}`,
  );
}

function whyApart(analyses: Pick<Analyses, "measured">, shown: Analysis, other: Analysis): string {
  const way = wayToJoin(analyses, shown, other);
  if (shown.method !== other.method) return `measured with method ${other.method}; ${way}`;
  if (shown.roiManifestId !== other.roiManifestId) return `measured with another ROI manifest; ${way}`;
  if (shown.settings !== other.settings)
    return `measured with other settings (${differingSettings(other, shown, " instead of ")}); ${way}`;
  return `measured ${shown.kernelVersion === other.kernelVersion ? "with references of another run" : "by another version of phorest"}; ${way}`;
}
