// Measuring again without a configuration file: with the settings of the analysis that is shown by default.
import type { DarkLevel } from "../analysis/dark-level.ts";
import type { AnalysisSettings } from "../analysis/settings.ts";
import type { Config } from "../config/schema.ts";
import type { Analysis } from "../manifest/analyses.ts";

/** Returns the configuration with the settings that `analysis` was measured with, and its dark level. */
export function withStoredSettings(
  config: Config,
  { method, settings }: Pick<Analysis, "method" | "settings">,
): { readonly config: Config; readonly darkLevel: DarkLevel | undefined } {
  const stored = JSON.parse(settings) as Partial<AnalysisSettings>;
  const usual = config.Data_Analysis;
  // These methods fit all rows of an ROI; that says nothing about others.
  const fitsAllRows = method === "joint" || method === "tracking";
  return {
    config: {
      ...config,
      Camera: { ...config.Camera, bits: stored.bits ?? 0 },
      Development: { ...config.Development, debug_mode: stored.debug ?? false },
      Data_Analysis: {
        ...usual,
        method,
        sampling: stored.sampling ?? usual.sampling,
        bit_depth_scaling: stored.bitDepthScaling ?? usual.bit_depth_scaling,
        number_of_subROIs: fitsAllRows ? usual.number_of_subROIs : (stored.subRois ?? usual.number_of_subROIs),
        joint_line: stored.jointLine ?? usual.joint_line,
        reference_frames: stored.referenceFrames ?? usual.reference_frames,
        fano_sign: stored.fanoSign ?? "canonical",
        track_drift: stored.trackDrift ?? false,
      },
    },
    darkLevel: stored.darkLevel,
  };
}

/** A line that says where the settings are from if there is no configuration file. */
export function sourceLine(stored: Pick<Analysis, "name"> | undefined): string {
  const from = stored === undefined ? "the built-in settings" : `the settings of analysis "${stored.name}"`;
  return `no configuration file: measuring with ${from} unless options say otherwise; name another with --config`;
}
