// Opens the camera for a command, outside a run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createSource, sourceSettings } from "../cameras/camera.ts";
import type { CapturedFrame, Source } from "../cameras/frame.ts";
import { readTaken, type Storing } from "../cameras/picture-encoding.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { cameraText, isSimulated } from "../health/camera-in-use.ts";
import { encodedFrame } from "../image/encoded.ts";
import { experimentHolder } from "../manifest/lock.ts";

/** Cameras that read files of another program cannot be triggered. */
const UNTRIGGERED = new Set(["file_importer", "folder"]);

/**
 * Opens the configured camera for `work`, then closes it. Throws Failure usage.invalid for a camera that cannot be triggered. If
 * a run is using the camera, errors of the camera say so. `stop` aborts the current exposure.
 */
export async function withCamera<T>(
  config: Config,
  brightfield: boolean,
  work: (capture: () => Promise<CapturedFrame>) => Promise<T>,
  stop?: AbortSignal,
): Promise<T> {
  const { camera_type: type, timeout_seconds } = config.Camera;
  if (UNTRIGGERED.has(type)) {
    throw new Failure(
      "usage.invalid",
      `camera type "${type}" reads files from another program, so it cannot capture on demand`,
      {
        hint: "configure another camera, or copy an image yourself",
      },
    );
  }
  if (isSimulated(type)) process.stderr.write(`${cameraText(type)}\n`);
  const source: Source = createSource(sourceSettings(config, undefined, brightfield));
  try {
    await source.open();
    return await work(async () => {
      const late = AbortSignal.timeout(timeout_seconds * 1000);
      const frame = await source.capture(stop === undefined ? late : AbortSignal.any([stop, late]));
      if (frame === null) throw new Failure("camera.failed", "the camera delivered no image");
      return frame.file === undefined
        ? frame
        : { ...frame, ...(await encodedFrame(await readTaken(frame.file), type)) };
    });
  } catch (error) {
    throw heldByRun(error, config);
  } finally {
    await source.close();
  }
}

/** How a command stores images of the configured camera. */
export function storing({ Camera, Brightfield }: Config, brightfield: boolean): Storing {
  const id = brightfield ? (Brightfield.camera_id ?? Camera.camera_id) : Camera.camera_id;
  return { id, transform: Camera.camera_transform, format: Camera.format };
}

function heldByRun(error: unknown, { Paths }: Config): unknown {
  if (!(error instanceof Failure) || !error.code.startsWith("camera.") || !existsSync(join(Paths.data_dir)))
    return error;
  const holder = experimentHolder(Paths.data_dir);
  if (holder === undefined) return error;
  return new Failure(error.code, error.message, {
    hint: `\`phorest run\` (process ${holder.pid}) is using the camera; stop it first, or use its last frame`,
    retry: error.retry,
    cause: error,
  });
}
