// `phorest preview`: captures continuously into one file and prints focus, brightness and saturation.

import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import { depthBefore, depthOf } from "../image/bit-depth.ts";
import { encodePicture } from "../image/encode.ts";
import { sharpnessOf } from "../image/focus.ts";
import type { Picture } from "../image/picture.ts";
import { transformPicture } from "../image/transform.ts";
import { ensureDirectory } from "../system/files.ts";
import { refreshOutput } from "../system/output-file.ts";
import { onStopSignal } from "../system/stop-signals.ts";
import { LiveBlock } from "../terminal/live-block.ts";
import { figuresLine, formatOf } from "./capture.ts";
import type { GlobalOptions } from "./global.ts";
import { storing, withCamera } from "./open-camera.ts";

interface PreviewOptions extends GlobalOptions {
  brightfield: boolean;
  out: string | undefined;
  frames: number | undefined;
  interval: number;
}

const PREVIEW_NAME = "continuous_capture_frame.jpg";
/** Number of frames over which the frame rate is averaged. */
const RATE_OVER = 10;

export const previewCommand: CommandModule<GlobalOptions, PreviewOptions> = {
  command: "preview",
  describe: "Capture continuously into one file and print focus and saturation, until Ctrl-C",
  builder: (yargs) =>
    yargs
      .option("brightfield", { type: "boolean", default: false, describe: "Use the settings of [Brightfield]" })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: `File (.jpg, .png, .tiff or .bmp; default ${PREVIEW_NAME})`,
      })
      .option("frames", { type: "number", requiresArg: true, describe: "Stop after this many images" })
      .option("interval", { type: "number", default: 0, describe: "Shortest time between images, seconds" })
      .example("$0 preview", `rewrites ${PREVIEW_NAME} in Paths.continuous_capture_dir`),
  handler: async ({ config: file, json, brightfield, out, frames, interval }) => {
    if (frames !== undefined && !(Number.isInteger(frames) && frames > 0)) {
      throw wrongOption("--frames", "a whole number of at least 1", frames);
    }
    if (!(interval >= 0)) throw wrongOption("--interval", "a number of seconds of at least 0", interval);
    const { config } = loadConfig(file);
    const directory = config.Paths.continuous_capture_dir;
    const path = out === undefined ? join(directory, PREVIEW_NAME) : resolve(out);
    const format = formatOf(path);
    await ensureDirectory(dirname(path));
    const { transform } = storing(config, brightfield);
    const block = new LiveBlock(process.stdout);
    const stop = new AbortController();
    onStopSignal(() => stop.abort());
    process.stderr.write(`writing the preview to ${path}; press Ctrl-C to stop\n`);
    await withCamera(
      config,
      brightfield,
      async (capture) => {
        const times: number[] = [];
        let best = 0;
        for (let n = 1; !stop.signal.aborted && n <= (frames ?? Number.POSITIVE_INFINITY); n++) {
          const startedMs = performance.now();
          const frame = await capture();
          const given = frame.picture ?? frame.encoded?.picture;
          if (given === undefined) throw new Failure("camera.failed", "the camera delivered no image");
          const picture = transformPicture(given, transform);
          await refreshOutput(path, await previewBytes(format, picture, config.Camera.bits));
          times.push(performance.now());
          if (times.length > RATE_OVER) times.shift();
          const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
          const rate = span > 0 ? ((times.length - 1) * 1000) / span : 0;
          const figures = sharpnessOf(picture, config.Camera.bits);
          best = Math.max(best, figures.focus);
          if (json) process.stdout.write(`${JSON.stringify({ frame: n, framesPerSecond: rate, ...figures })}\n`);
          else
            block.show([`frame ${n}  ${rate.toFixed(1)} per second  ${figuresLine(figures)}  best ${best.toFixed(1)}`]);
          const restMs = interval * 1000 - (performance.now() - startedMs);
          if (restMs > 0) await sleep(restMs, undefined, { signal: stop.signal }).catch(() => undefined);
        }
      },
      stop.signal,
    ).catch((error: unknown) => {
      // A stop during an exposure is not an error.
      if (stop.signal.aborted) return;
      if (error instanceof Failure && error.code === "usage.invalid") throw error;
      throw new Failure("camera.failed", `the preview stopped: ${failureLine(error)}`);
    });
  },
};

/** JPEG and BMP support 8 bits only. */
function previewBytes(format: string, picture: Picture, bits: number): Promise<Uint8Array> {
  if (picture.bitDepth === 8 || (format !== "jpeg" && format !== "bmp")) return encodePicture(picture, format);
  const scale = 255 / depthOf(picture, depthBefore(bits)).full;
  const pixels = Uint8Array.from(picture.pixels, (value) => Math.min(255, Math.floor(value * scale)));
  return encodePicture({ ...picture, pixels, bitDepth: 8 }, format);
}
