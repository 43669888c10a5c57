// A camera taken in hand by a command, outside a run.
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

/** Sources of files take pictures in the order of their own clock; there is nothing to trigger. */
const UNTRIGGERED = new Set(["file_importer", "folder"]);

/**
 * Opens the configured camera, lets `work` use it and closes it. Throws Failure usage.invalid for a source that cannot be
 * triggered; whatever the camera throws while a run has it is said to come from that. `stop` ends the exposure in hand.
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
      `camera type "${type}" takes pictures that others wrote; it cannot be triggered`,
      {
        hint: "name another camera in the configuration, or copy a picture by hand",
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
      if (frame === null) throw new Failure("camera.failed", "the camera gave nothing");
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

/** How a command stores pictures of the configured camera. */
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
    hint: `\`phorest run\` (process ${holder.pid}) uses the camera now; stop it first, or look at its last frame`,
    retry: error.retry,
    cause: error,
  });
}
