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
import { parseRoiManifest, readRoiManifest } from "../measurement/roi.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";

/** The ROIs of a run. */
export interface RunRois {
  /** File and content of a manifest that is to be written first. */
  readonly write: { readonly file: string; readonly json: string } | undefined;
  /** A message about ROIs that are left out. */
  readonly leftOut: string | undefined;
}

/**
 * Checks the ROIs of a run, and writes nothing: a refused run leaves no file. The simulated chip makes its own ROIs; every other
 * camera needs an ROI manifest from calibration, and so do the frames of an imported experiment. Failures: `rois.missing`,
 * `rois.invalid`, `config.invalid`, `usage.invalid`.
 */
export async function checkRois(loaded: Loaded, manifestFile: string): Promise<RunRois> {
  const { config, origins } = loaded;
  const file = roiManifestPath(config);
  let json: string | undefined;
  if (capabilitiesOf(config.Camera.camera_type).simulated) {
    const isImported = holdsImported(manifestFile);
    if (isImported) checkContinued(loaded);
    if (!existsSync(file) && !isImported) json = simulatedRoiManifest(config);
  }
  const rois = json === undefined ? await readRoiManifest(file) : parseRoiManifest(json, file);
  const key = "Data_Analysis.rois";
  const given = origins.get(key);
  const name = typeof given === "object" && given.kind === "option" ? given.option : key;
  const kept = keepRois(rois, config.Data_Analysis.rois, name);
  const left = rois.rois.length - kept.rois.length;
  return {
    write: json === undefined ? undefined : { file, json },
    leftOut: left > 0 ? `left out ${left} of ${rois.rois.length} ROIs (${name})` : undefined,
  };
}

/** Writes the ROIs that checkRois made, and logs what it found. */
export async function prepareRois({ write, leftOut }: RunRois, log: Logger): Promise<void> {
  const own = log.stage("supervisor");
  if (write !== undefined) {
    await ensureDirectory(dirname(write.file));
    await writeDurably(write.file, write.json);
    own.info(`wrote the ROIs of the simulated chip to ${write.file}`);
  }
  if (leftOut !== undefined) own.warn(leftOut);
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
