// A later run of an experiment takes the channel, z plane and position that its frames are of: two of them in one analysis would
// become one curve.
import { FILE_CAMERAS } from "../cameras/camera.ts";
import { configuredPages } from "../cameras/configured-files.ts";
import { continuedChoice, continuedLine } from "../cameras/series-record.ts";
import type { Loaded } from "../config/loaded.ts";
import { takenSeries } from "../manifest/taken-series.ts";

/**
 * Returns the settings with the channel, z plane and position of the experiment's frames, and a line for the log if these are
 * not the first ones. Throws Failure `usage.invalid` if the user chose others.
 */
export function continueSeries(
  loaded: Loaded,
  manifestFile: string,
): { readonly loaded: Loaded; readonly line?: string } {
  const { config, origins } = loaded;
  if (!FILE_CAMERAS.has(config.Camera.camera_type)) return { loaded };
  const before = takenSeries(manifestFile);
  if (before === undefined) return { loaded };
  const choice = configuredPages(config.Camera);
  const nameOf = (axis: keyof typeof choice) => {
    const origin = origins.get(`Camera.${axis}`);
    return typeof origin === "object" && origin.kind === "option" ? origin.option : `Camera.${axis}`;
  };
  const Camera = Object.freeze({ ...config.Camera, ...continuedChoice(choice, before, nameOf) });
  const line = continuedLine(choice, before);
  return {
    loaded: { ...loaded, config: Object.freeze({ ...config, Camera }) },
    ...(line === undefined ? {} : { line }),
  };
}
