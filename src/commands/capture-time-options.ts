// The options for the capture times of images from other programs: --times and --name-time.
import { resolve } from "node:path";
import type { Argv } from "yargs";
import type { Loaded } from "../config/loaded.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { isNamePattern } from "../system/name-pattern.ts";
import { checkCameraOptions } from "./camera-options.ts";

export interface CaptureTimeArguments {
  times?: string | undefined;
  nameTime?: string | undefined;
}

/** Adds the options to a command. */
export function captureTimeOptions<T>(yargs: Argv<T>): Argv<T & CaptureTimeArguments> {
  return yargs
    .option("times", {
      type: "string",
      requiresArg: true,
      describe: "CSV file with the times of the images: columns file, page (if wanted), time or elapsed (seconds)",
    })
    .option("name-time", {
      type: "string",
      requiresArg: true,
      describe: "Pattern of the times in the names of images: '%Y%m%d_%H%M%S_%f' (default: as configured)",
    });
}

/**
 * Returns the settings with these options applied. Throws Failure `usage.invalid` if a pattern gives no time or, with `camera`,
 * as checkCameraOptions.
 */
export function withCaptureTimes(loaded: Loaded, { times, nameTime }: CaptureTimeArguments, camera = false): Loaded {
  const { config } = loaded;
  const given = Object.entries({ times, "name-time": nameTime }).filter(([, value]) => value !== undefined);
  if (given.length === 0) return loaded;
  if (nameTime !== undefined && !isNamePattern(nameTime)) {
    throw wrongOption("--name-time", "a pattern with a date and an hour (%Y%m%d_%H%M%S), %s, %Q or %{ms}", nameTime);
  }
  if (camera) {
    checkCameraOptions(
      given.map(([option]) => option),
      config,
    );
  }
  const origins = new Map(loaded.origins);
  if (times !== undefined) origins.set("Camera.times_file", { kind: "option", option: "--times" });
  if (nameTime !== undefined) origins.set("Camera.name_time", { kind: "option", option: "--name-time" });
  const Camera = Object.freeze({
    ...config.Camera,
    ...(times === undefined ? {} : { times_file: resolve(times) }),
    ...(nameTime === undefined ? {} : { name_time: nameTime }),
  });
  return { ...loaded, config: Object.freeze({ ...config, Camera }), origins };
}
