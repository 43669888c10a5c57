// The options that select a part of a series: --every, --from, --to, --limit for frames, --roi for ROIs.
import type { Argv } from "yargs";
import type { Loaded } from "../config/loaded.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import type { FrameSubset } from "../image/frame-subset.ts";
import { isoFromUs, usFromOption } from "../manifest/timestamps.ts";
import { labelPatterns } from "../measurement/keep-rois.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { checkCameraOptions } from "./camera-options.ts";

export interface SubsetArguments {
  every?: number | undefined;
  from?: string | undefined;
  to?: string | undefined;
  limit?: number | undefined;
  roi?: string | undefined;
}

/** Adds the options to a command. */
export function subsetOptions<T>(yargs: Argv<T>): Argv<T & SubsetArguments> {
  return yargs
    .option("every", { type: "number", requiresArg: true, describe: "Take the first image and every N-th after it" })
    .option("from", {
      type: "string",
      requiresArg: true,
      describe: "Take images from this time on (in --tz unless it names its zone)",
    })
    .option("to", { type: "string", requiresArg: true, describe: "Take images up to this time" })
    .option("limit", { type: "number", requiresArg: true, describe: "Take at most this many images" })
    .option("roi", {
      type: "string",
      requiresArg: true,
      describe: "Measure only ROIs with these labels: '01*,05*' (* for any characters, ? for one)",
    });
}

/**
 * Returns the frames that the options select; `zone`: for times that name none. Throws Failure `usage.invalid`, which names the
 * wrong option.
 */
export function frameSubset({ every, from, to, limit }: SubsetArguments, zone: TimeZone): FrameSubset {
  const fromUs = from === undefined ? undefined : usFromOption("--from", from, zone);
  const toUs = to === undefined ? undefined : usFromOption("--to", to, zone);
  if (fromUs !== undefined && toUs !== undefined && toUs < fromUs) {
    throw new Failure("usage.invalid", `--to ${to} is before --from ${from}, so there is no time between`);
  }
  return { every: count("--every", every), fromUs, toUs, limit: count("--limit", limit) };
}

/** Returns the patterns of `--roi`; none if the option is not given. */
export function roiPatterns({ roi }: SubsetArguments): string[] {
  return roi === undefined ? [] : labelPatterns("--roi", roi);
}

/** Returns the settings of a run with the options applied. Throws as checkCameraOptions. */
export function withSubset(loaded: Loaded, args: SubsetArguments, zone: TimeZone): Loaded {
  const { config } = loaded;
  const { every, fromUs, toUs, limit } = frameSubset(args, zone);
  const [from, to] = [fromUs, toUs].map((us) => (us === undefined ? undefined : isoFromUs(us)));
  const given = Object.entries({ every, from, to, limit }).filter(([, value]) => value !== undefined);
  checkCameraOptions(
    given.map(([option]) => option),
    config,
  );
  const rois = roiPatterns(args);
  if (given.length === 0 && rois.length === 0) return loaded;
  const origins = new Map(loaded.origins);
  for (const [key] of given) origins.set(`Camera.${key}`, { kind: "option", option: `--${key}` });
  if (rois.length > 0) origins.set("Data_Analysis.rois", { kind: "option", option: "--roi" });
  const Camera = Object.freeze({ ...config.Camera, ...Object.fromEntries(given) });
  const Data_Analysis = rois.length === 0 ? config.Data_Analysis : Object.freeze({ ...config.Data_Analysis, rois });
  return { ...loaded, config: Object.freeze({ ...config, Camera, Data_Analysis }), origins };
}

function count(option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return value;
  throw wrongOption(option, "a whole number of at least 1", String(value));
}
