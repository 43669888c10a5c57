// The options that choose which pages of files with several are measured, of every command that takes pictures of others.
import type { Argv } from "yargs";
import { FILE_TYPES } from "../config/consistency.ts";
import type { Loaded } from "../config/loaded.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";

export interface PageArguments {
  channel?: number | undefined;
  z?: number | undefined;
  position?: number | undefined;
}

const AXES = ["channel", "z", "position"] as const;
const WHAT = { channel: "channel", z: "plane", position: "position" };

/** Adds `--channel`, `--z` and `--position`. */
export function pageOptions<T>(yargs: Argv<T>): Argv<T & PageArguments> {
  const described = (axis: (typeof AXES)[number]) => ({
    type: "number" as const,
    requiresArg: true,
    describe: `${WHAT[axis]} that is measured in files with several, counted from 0 (default: as configured, else the first)`,
  });
  return yargs
    .option("channel", described("channel"))
    .option("z", described("z"))
    .option("position", described("position"));
}

/**
 * The settings of a run with the options in place of what the file says. Failure `usage.invalid` for what is no whole number,
 * or where the camera reads no files.
 */
export function withPages(loaded: Loaded, args: PageArguments): Loaded {
  const { config } = loaded;
  const { camera_type: type } = config.Camera;
  pageChoice(args, config);
  const given = AXES.flatMap((axis): [string, number][] => {
    const value = args[axis];
    return value === undefined ? [] : [[axis, value]];
  });
  const [first] = given;
  if (first === undefined) return loaded;
  if (!FILE_TYPES.includes(type)) {
    throw new Failure("usage.invalid", `--${first[0]} needs a camera that reads images from files, not "${type}"`, {
      hint: `Camera.camera_type can be ${FILE_TYPES.join(", ")}`,
    });
  }
  const origins = new Map(loaded.origins);
  for (const [axis] of given) origins.set(`Camera.${axis}`, { kind: "option", option: `--${axis}` });
  const Camera = Object.freeze({ ...config.Camera, ...Object.fromEntries(given) });
  return { ...loaded, config: Object.freeze({ ...config, Camera }), origins };
}

/** The chosen pages: the options given, else as configured. Failure `usage.invalid` for what is no whole number. */
export function pageChoice(given: PageArguments, { Camera }: Pick<Config, "Camera">): PageChoice {
  for (const axis of AXES) {
    const value = given[axis];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw new Failure("usage.invalid", `--${axis} must be a whole number from 0, not ${value}`);
  }
  const { channel, z, position } = Camera;
  return { channel: given.channel ?? channel, z: given.z ?? z, position: given.position ?? position };
}
