// The options that choose which pages of multi-page files are measured, for all commands that read images of other programs.
import { statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Argv } from "yargs";
import { fileOfFrame } from "../analysis/frames.ts";
import type { Loaded } from "../config/loaded.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import {
  AXIS_NAMES,
  AXIS_ORDER,
  isCalled,
  type PageChoice,
  shownValue,
  unstated,
  wrongChoice,
} from "../image/chosen-pages.ts";
import { chooseSeries } from "../image/file-axes.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import { listPages } from "../image/pages.ts";
import { CaptureTimes } from "../image/times/capture-times.ts";
import { firstPageTimes } from "../image/times/of-paths.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { checkCameraOptions } from "./camera-options.ts";

export interface PageArguments {
  channel?: number | undefined;
  z?: number | undefined;
  /** A number or a name, as typed. */
  position?: string | undefined;
}

const AXES = ["channel", "z", "position"] as const;
const WHAT = { channel: "Channel", z: "Plane", position: "Position" };

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
    describe:
      "Page of an image file with several, counted from 1 (default: the first of the chosen channel, plane and position; a page of another one is refused)",
  });
}

/**
 * Returns the settings of a run with these options applied. Throws Failure `usage.invalid` if a value is not a whole number, and
 * as checkCameraOptions.
 */
export function withPages(loaded: Loaded, args: PageArguments): Loaded {
  const { config } = loaded;
  const choice = pageChoice(args, config);
  const given = AXES.flatMap((axis): [string, number | string][] => {
    const value = args[axis] === undefined ? undefined : choice[axis];
    return value === undefined ? [] : [[axis, value]];
  });
  if (given.length === 0) return loaded;
  checkCameraOptions(
    given.map(([axis]) => axis),
    config,
  );
  const origins = new Map(loaded.origins);
  for (const [axis] of given) origins.set(`Camera.${axis}`, { kind: "option", option: `--${axis}` });
  const Camera = Object.freeze({ ...config.Camera, ...Object.fromEntries(given) });
  return { ...loaded, config: Object.freeze({ ...config, Camera }), origins };
}

/** The settings that choose pages. */
interface ConfiguredPages {
  readonly Camera: Partial<Pick<Config["Camera"], keyof PageChoice>>;
}

/**
 * Returns the chosen pages: as given by the options, otherwise as configured. Throws Failure `usage.invalid` if a value is not a
 * whole number.
 */
export function pageChoice(given: PageArguments, { Camera }: ConfiguredPages): PageChoice {
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
 * Returns the one image of a file that the options choose: page `page` (from 1), otherwise the first page of the chosen channel,
 * plane and position. `note` says which one of how many it is. Throws Failure `usage.invalid` if it does not exist, or if page
 * and channel contradict each other.
 */
export async function onePage(
  path: string,
  given: PageArguments & { readonly page?: number | undefined },
  config: ConfiguredPages,
): Promise<{ readonly picture: string | NamedFile; readonly note: string | undefined }> {
  const { page } = given;
  if (page !== undefined && !(Number.isSafeInteger(page) && page >= 1)) {
    throw new Failure("usage.invalid", `--page must be a whole number from 1, not ${page}`);
  }
  refuseDirectory(path);
  const wanted = chosenByOptions(given);
  // The configured channel does not count against a page that the user names.
  const { pages, refused, count } = await framesOfFile(path, page === undefined ? pageChoice(given, config) : wanted);
  if (page !== undefined && page > count) throw noSuchPage(`--page ${page}`, path, count);
  if (refused !== undefined) throw wrongChoice(refused);
  if (count === 1) {
    await checkSingle(path, wanted);
    return { picture: path, note: undefined };
  }
  const index = page === undefined ? pages?.[0]?.index : page - 1;
  if (index === undefined) return { picture: path, note: undefined };
  if (page !== undefined) await checkPage(path, index, wanted);
  const note = `using page ${index + 1} of ${count}${page === undefined ? "; choose another one with --page" : ""}`;
  return { picture: fileOfFrame({ path, page: index }), note };
}

/** Refuses a directory where one image file is needed: Failure `usage.invalid`. */
export function refuseDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  throw new Failure("usage.invalid", `${path}: it is a directory`, { hint: "name one image file in it" });
}

/** Refuses options that choose a page where no image is given: Failure `usage.invalid`. */
export function refuseWithoutImage(given: PageArguments & { readonly page?: number | undefined }): void {
  const option = (["page", ...AXES] as const).find((one) => given[one] !== undefined);
  if (option !== undefined) throw new Failure("usage.invalid", `--${option} needs an image file`);
}

/** Returns the Failure `usage.invalid` for a page that a file does not have. `what` names the page as the user typed it. */
export function noSuchPage(what: string, path: string, count: number): Failure {
  return new Failure("usage.invalid", `${what}: ${path} has ${count === 1 ? "only one image" : `${count} pages`}`);
}

/** Only what the user typed, without the configuration. */
const chosenByOptions = (given: PageArguments): PageChoice => pageChoice(given, { Camera: {} });

/** Failure `usage.invalid` if a page is of another channel, plane or position than the chosen one. */
async function checkPage(path: string, index: number, wanted: PageChoice): Promise<void> {
  const { pages } = await listPages(path);
  const page = pages.find((one) => one.index === index);
  for (const axis of AXIS_ORDER) {
    const value = wanted[axis];
    if (page === undefined || value === undefined) continue;
    if (typeof value === "string" ? isCalled(page.positionNames, value) : page[axis] === value) continue;
    const { one } = AXIS_NAMES[axis];
    const text = `--page ${index + 1} is of ${one} ${page[axis]}, not of ${one} ${shownValue(value)}`;
    throw new Failure("usage.invalid", `${path}: ${text}`, { hint: `give only one of --page and --${axis}` });
  }
}

/** Failure `usage.invalid` if a file with one image is of another channel, plane or position than the chosen one, or says none. */
async function checkSingle(path: string, wanted: PageChoice): Promise<void> {
  if (AXES.every((axis) => wanted[axis] === undefined)) return;
  const times = new CaptureTimes();
  // Reads the metadata.txt next to the file.
  await firstPageTimes([path], times, () => undefined);
  const whole = resolve(path);
  const file = { directory: dirname(whole), name: basename(whole), followLinks: true };
  // What is not an image cannot be of a channel.
  await listPages(path);
  const { axes } = await chooseSeries([file], wanted, times);
  const refused = unstated(wanted, axes.get(file), path);
  if (refused !== undefined) throw refused;
}
