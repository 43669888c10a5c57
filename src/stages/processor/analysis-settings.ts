// Derives from the configuration how images are measured.
import type { DarkLevel } from "../../analysis/dark-level.ts";
import { trackDrift } from "../../analysis/drift.ts";
import { type AnalysisSettings, methodSettings } from "../../analysis/settings.ts";
import type { Config } from "../../config/schema.ts";

/**
 * Returns how images are measured, and how they are tracked along with that if this is configured. `darkLevel`: the result of
 * readDarkLevel.
 */
export function analysisSettings(
  { Camera, Data_Analysis: analysis, Development }: Config,
  darkLevel: DarkLevel | undefined,
): {
  settings: AnalysisSettings;
  /** Settings of a tracking that is measured along with them. */
  companion?: AnalysisSettings;
} {
  const options = {
    subRois: analysis.number_of_subROIs,
    jointLine: analysis.joint_line,
    referenceFrames: analysis.reference_frames,
    darkLevel,
    fanoSign: analysis.fano_sign,
  };
  const common = {
    sampling: analysis.sampling,
    bitDepthScaling: analysis.bit_depth_scaling,
    ...(Camera.bits > 0 ? { bits: Camera.bits } : {}),
    debug: Development.debug_mode,
    ...trackDrift(analysis.track_drift, analysis.sampling),
  };
  const settings = { ...methodSettings(analysis.method, options), ...common };
  if (analysis.method === "tracking" || !analysis.also.includes("tracking")) return { settings };
  return { settings, companion: { ...methodSettings("tracking", options), ...common } };
}
