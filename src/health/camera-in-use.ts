// Says which camera a run uses, so that images of the simulated chip are not mistaken for real ones.

import * as z from "zod";
import { capabilitiesOf } from "../cameras/camera.ts";
import type { Loaded, Origin } from "../config/loaded.ts";
import { shownPath } from "../config/toml-file.ts";

/** The camera of a run. */
export interface CameraInUse {
  readonly type: string;
  /** Whether the images are computed. */
  readonly simulated: boolean;
}

/** Its short name for people. */
export const SIMULATED_CHIP = "simulated chip";

const SETTINGS = z.object({
  Camera: z.object({ camera_type: z.string() }),
  Services: z.object({ enable_camera: z.boolean() }),
});

/** Returns the camera of a run, from its configuration. Undefined if the camera is disabled; files are read without one. */
export function cameraInUse({ Camera, Services }: z.infer<typeof SETTINGS>): CameraInUse | undefined {
  if (!Services.enable_camera && !capabilitiesOf(Camera.camera_type).files) return undefined;
  return { type: Camera.camera_type, simulated: isSimulated(Camera.camera_type) };
}

/** Returns the camera from the stored configuration of a run, of any version. Undefined also if it is unknown. */
export function cameraOfRun(configText: string): CameraInUse | undefined {
  try {
    const { success, data } = SETTINGS.safeParse(JSON.parse(configText));
    return success ? cameraInUse(data) : undefined;
  } catch {
    // An earlier version or a repair stored something else.
    return undefined;
  }
}

/** Whether a camera of this type computes its images. */
export function isSimulated(type: string): boolean {
  return capabilitiesOf(type).simulated;
}

/** Describes a camera of this type: `v4l2`, or that the images are computed. */
export function cameraText(type: string): string {
  return isSimulated(type) ? `${SIMULATED_CHIP}: the images are computed; no camera is in use` : type;
}

/** Returns the line in which a run names its camera and where this was set: a file and line, or the default. */
export function cameraLine({ config, origins, file }: Loaded, namedOnCommandLine: boolean): string {
  const camera = cameraInUse(config);
  const key = camera === undefined ? "Services.enable_camera" : "Camera.camera_type";
  const text = camera === undefined ? "off, no images are captured" : cameraText(camera.type);
  const origin = originWords(origins.get(key) ?? "default", file, namedOnCommandLine);
  return `camera: ${text} (${key}: ${origin})`;
}

/** Whether it deserves a warning: no images are taken, or they show the simulated chip although no setting asks for it. */
export function isCameraUncertain({ config, origins }: Loaded): boolean {
  const camera = cameraInUse(config);
  return camera === undefined || (camera.simulated && origins.get("Camera.camera_type") === "default");
}

function originWords(origin: Origin, file: string | undefined, namedOnCommandLine: boolean): string {
  const named = namedOnCommandLine ? ", the file that --config names" : "";
  if (typeof origin === "object" && origin.kind === "file") {
    const line = origin.line === undefined ? "" : `:${origin.line}`;
    return `set in ${shownPath(origin.file)}${line}${named}`;
  }
  return file === undefined
    ? "the default, because there is no config.toml here"
    : `the default, because ${shownPath(file)} does not set it${named}`;
}
