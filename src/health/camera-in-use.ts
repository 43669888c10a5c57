// Says which camera a run uses, so that images of the simulated chip are not mistaken for real ones.

import * as z from "zod";
import { capabilitiesOf } from "../cameras/camera.ts";
import type { Loaded, Origin } from "../config/loaded.ts";
import { shownPath } from "../config/toml-file.ts";

/** The camera of a run. */
export interface CameraInUse {
  readonly type: string;
  /** The pictures are computed. */
  readonly simulated: boolean;
}

/** What people call it in short. */
export const SIMULATED_CHIP = "simulated chip";

const SETTINGS = z.object({
  Camera: z.object({ camera_type: z.string() }),
  Services: z.object({ enable_camera: z.boolean() }),
});

/** The camera of a run, from its configuration. Undefined where the camera is switched off; files are taken without one. */
export function cameraInUse({ Camera, Services }: z.infer<typeof SETTINGS>): CameraInUse | undefined {
  if (!Services.enable_camera && !capabilitiesOf(Camera.camera_type).files) return undefined;
  return { type: Camera.camera_type, simulated: isSimulated(Camera.camera_type) };
}

/** The same from what a run stored of its configuration, by any version. Undefined also where that is not known. */
export function cameraOfRun(configText: string): CameraInUse | undefined {
  try {
    const { success, data } = SETTINGS.safeParse(JSON.parse(configText));
    return success ? cameraInUse(data) : undefined;
  } catch {
    // An earlier program or a repair stored something else.
    return undefined;
  }
}

/** Whether a camera of this type computes its pictures. */
export function isSimulated(type: string): boolean {
  return capabilitiesOf(type).simulated;
}

/** What a camera of this type photographs: `v4l2`, or that the pictures are computed. */
export function cameraText(type: string): string {
  return isSimulated(type) ? `${SIMULATED_CHIP}: the images are computed; no camera is in use` : type;
}

/** The line with which a run says what it photographs and where this was set: a file and its line, or the default. */
export function cameraLine({ config, origins, file }: Loaded, namedOnCommandLine: boolean): string {
  const camera = cameraInUse(config);
  const key = camera === undefined ? "Services.enable_camera" : "Camera.camera_type";
  const text = camera === undefined ? "off, no images are captured" : cameraText(camera.type);
  const origin = originWords(origins.get(key) ?? "default", file, namedOnCommandLine);
  return `camera: ${text} (${key}: ${origin})`;
}

/** Whether it is worth a warning: no pictures are taken, or images of a simulated chip that no setting asks for. */
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
