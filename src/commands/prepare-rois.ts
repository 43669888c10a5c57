// Prepares the ROI manifest of a run. Only the simulated chip writes its own.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { capabilitiesOf } from "../cameras/camera.ts";
import { simulatedRoiManifest } from "../cameras/simulated.ts";
import { roiManifestPath } from "../config/config.ts";
import type { Loaded } from "../config/loaded.ts";
import { isSimulatedByDefault } from "../config/required.ts";
import { Failure } from "../failure/failure.ts";
import type { Logger } from "../log/logger.ts";
import { holdsImported } from "../manifest/holds-imported.ts";
import { keepRois } from "../measurement/keep-rois.ts";
import { readRoiManifest } from "../measurement/roi.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";

/**
 * The simulated chip writes its own ROIs; every other camera needs an ROI manifest from calibration, and so do the frames of an
 * imported experiment. Failures: `rois.missing`, `rois.invalid`, `config.invalid`.
 */
export async function prepareRois(loaded: Loaded, manifestFile: string, log: Logger): Promise<void> {
  const { config, origins } = loaded;
  const file = roiManifestPath(config);
  if (capabilitiesOf(config.Camera.camera_type).simulated) {
    const isImported = holdsImported(manifestFile);
    if (isImported) checkContinued(loaded);
    if (!existsSync(file) && !isImported) {
      await ensureDirectory(dirname(file));
      await writeDurably(file, simulatedRoiManifest(config));
      log.stage("supervisor").info(`wrote the ROIs of the simulated chip to ${file}`);
    }
  }
  const rois = await readRoiManifest(file);
  const key = "Data_Analysis.rois";
  const given = origins.get(key);
  const name = typeof given === "object" && given.kind === "option" ? given.option : key;
  const kept = keepRois(rois, config.Data_Analysis.rois, name);
  const left = rois.rois.length - kept.rois.length;
  if (left > 0) log.stage("supervisor").warn(`left out ${left} of ${rois.rois.length} ROIs (${name})`);
}

/** A run without a camera setting must not add images of the simulated chip to a real experiment. */
function checkContinued(loaded: Loaded): void {
  if (!isSimulatedByDefault(loaded)) return;
  throw new Failure(
    "config.invalid",
    `${loaded.config.Paths.data_dir} holds an imported experiment, and no camera is set to continue it`,
    {
      hint: "to measure what is pending, set enable_camera = false below [Services] in config.toml; to continue the experiment, set camera_type below [Camera]",
    },
  );
}
