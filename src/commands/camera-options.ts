// Which options of a run have an effect with which camera.
import { FILE_CAMERAS } from "../cameras/camera.ts";
import { FILE_TYPES } from "../config/consistency.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";

interface CameraKind {
  /** Completes "needs a camera that". */
  readonly does: string;
  readonly types: readonly string[];
}

const READS_FILES: CameraKind = { does: "reads images from files", types: FILE_TYPES };
/** The dummy camera only replays images: each is a new capture, of the first page of a file, at the time of the replay. */
const OF_OTHER_PROGRAMS: CameraKind = { does: "takes the images of other programs", types: [...FILE_CAMERAS] };

const OPTIONS: Readonly<Record<string, CameraKind>> = {
  every: READS_FILES,
  from: READS_FILES,
  to: READS_FILES,
  limit: READS_FILES,
  channel: OF_OTHER_PROGRAMS,
  z: OF_OTHER_PROGRAMS,
  position: OF_OTHER_PROGRAMS,
  times: OF_OTHER_PROGRAMS,
  "name-time": OF_OTHER_PROGRAMS,
};

/** Failure `usage.invalid` if one of these options, by its name, has no effect with the configured camera. */
export function checkCameraOptions(given: readonly string[], { Camera }: Pick<Config, "Camera">): void {
  for (const option of given) {
    const kind = OPTIONS[option];
    if (kind === undefined) continue;
    if (!kind.types.includes(Camera.camera_type)) {
      throw new Failure("usage.invalid", `--${option} needs a camera that ${kind.does}, not "${Camera.camera_type}"`, {
        hint: `Camera.camera_type can be ${kind.types.join(", ")}`,
      });
    }
    if (Camera.camera_type === "dummy" && Camera.dummy_path === undefined) {
      throw new Failure("usage.invalid", `--${option} needs images: the dummy camera replays its built-in image`, {
        hint: "set Camera.dummy_path to an image or a directory of images",
      });
    }
  }
}
