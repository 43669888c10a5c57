// The options that choose which pages of files with several are measured, of every command that takes pictures of others.
import type { Argv } from "yargs";
import { fileOfFrame } from "../analysis/frames.ts";
import { FILE_TYPES } from "../config/consistency.ts";
import type { Loaded } from "../config/loaded.ts";
import type { Config } from "../config/schema.ts";
import { decodeFailure, Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import type { NamedFile } from "../system/confined-file.ts";

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

/**
 * The picture of a file that one is wanted of: page `page` (from 1), else the first of those chosen. `note` is said where the file has
 * others. Failure `usage.invalid` for a page that it does not have.
 */
export async function onePage(
  path: string,
  page: number | undefined,
  choice: PageChoice,
): Promise<{ readonly picture: string | NamedFile; readonly note: string | undefined }> {
  const { pages, refused } = await framesOfFile(path, choice);
  if (page !== undefined && !(Number.isSafeInteger(page) && page >= 1)) {
    throw new Failure("usage.invalid", `--page must be a whole number from 1, not ${page}`);
  }
  if (refused !== undefined) throw decodeFailure(refused);
  const [first] = pages ?? [];
  if (first === undefined) {
    if (page === undefined || page === 1) return { picture: path, note: undefined };
    throw new Failure("usage.invalid", `--page ${page}: ${path} has only one image`);
  }
  const index = page === undefined ? first.index : page - 1;
  const note = page === undefined ? `using page ${index + 1}; choose another one with --page` : undefined;
  return { picture: fileOfFrame({ path, page: index }), note };
}
