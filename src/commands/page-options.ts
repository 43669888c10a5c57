// The options that choose which pages of multi-page files are measured, for all commands that read images of other programs.
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
  /** A number or a name, as typed. */
  position?: string | undefined;
}

const AXES = ["channel", "z", "position"] as const;
const WHAT = { channel: "channel", z: "plane", position: "position" };

/** Adds `--channel`, `--z` and `--position`. */
export function pageOptions<T>(yargs: Argv<T>): Argv<T & PageArguments> {
  const described = (axis: (typeof AXES)[number], also = "") => ({
    requiresArg: true,
    describe: `${WHAT[axis]} that is measured in files with several, counted from 0${also} (default: as configured, else the first)`,
  });
  return yargs
    .option("channel", { type: "number", ...described("channel") })
    .option("z", { type: "number", ...described("z") })
    .option("position", { type: "string", ...described("position", ", or its name") });
}

/** Adds the same options and `--page`, for commands that take one image. */
export function onePageOptions<T>(yargs: Argv<T>): Argv<T & PageArguments & { page: number | undefined }> {
  return pageOptions(yargs).option("page", {
    type: "number",
    requiresArg: true,
    describe: "page of an image file with several, counted from 1 (default: the first of those chosen)",
  });
}

/**
 * Returns the settings of a run with these options applied. Throws Failure `usage.invalid` if a value is not a whole number, or
 * if the camera does not read files.
 */
export function withPages(loaded: Loaded, args: PageArguments): Loaded {
  const { config } = loaded;
  const { camera_type: type } = config.Camera;
  const choice = pageChoice(args, config);
  const given = AXES.flatMap((axis): [string, number | string][] => {
    const value = args[axis] === undefined ? undefined : choice[axis];
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

/**
 * Returns the chosen pages: as given by the options, otherwise as configured. Throws Failure `usage.invalid` if a value is not a
 * whole number.
 */
export function pageChoice(given: PageArguments, { Camera }: Pick<Config, "Camera">): PageChoice {
  const wanted = { ...given, position: given.position === undefined ? undefined : numberOrName(given.position) };
  for (const axis of AXES) {
    const value = wanted[axis];
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) continue;
    const allowed = axis === "position" ? "a whole number from 0, or a name" : "a whole number from 0";
    throw new Failure("usage.invalid", `--${axis} must be ${allowed}, not ${JSON.stringify(value)}`);
  }
  const { channel, z, position } = Camera;
  return { channel: wanted.channel ?? channel, z: wanted.z ?? z, position: wanted.position ?? position };
}

/** Digits are taken as a number, even if a position has such a name. */
function numberOrName(text: string): number | string {
  const trimmed = text.trim();
  return trimmed === "" || Number.isNaN(Number(trimmed)) ? trimmed : Number(trimmed);
}

/**
 * Returns the one image of a file: page `page` (from 1), otherwise the first chosen page. `note` says which one of how many it
 * is. Throws Failure `usage.invalid` if the page does not exist.
 */
export async function onePage(
  path: string,
  page: number | undefined,
  choice: PageChoice,
): Promise<{ readonly picture: string | NamedFile; readonly note: string | undefined }> {
  if (page !== undefined && !(Number.isSafeInteger(page) && page >= 1)) {
    throw new Failure("usage.invalid", `--page must be a whole number from 1, not ${page}`);
  }
  const { pages, refused, count } = await framesOfFile(path, choice);
  if (page !== undefined && page > count) {
    const there = count === 1 ? "only one image" : `${count} pages`;
    throw new Failure("usage.invalid", `--page ${page}: ${path} has ${there}`);
  }
  if (page === undefined && refused !== undefined) throw decodeFailure(refused);
  const index = page === undefined ? pages?.[0]?.index : page - 1;
  if (count === 1 || index === undefined) return { picture: path, note: undefined };
  const note = `using page ${index + 1} of ${count}${page === undefined ? "; choose another one with --page" : ""}`;
  return { picture: fileOfFrame({ path, page: index }), note };
}
