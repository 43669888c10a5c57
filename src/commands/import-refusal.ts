// The error messages of `phorest import` for a directory that it cannot import: what is in it, and what to enter instead.
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { CONFIG_FILENAME, loadConfig } from "../config/config.ts";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { isPictureName } from "../image/picture-name.ts";
import { establishedFiles } from "../manifest/established-files.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import { counted } from "../system/counted.ts";

/**
 * Throws Failure `usage.invalid` unless the directory has an experiment of the established system. `dataDir` is the data
 * directory of the current experiment.
 */
export function requireEstablished(directory: string, dataDir: string): void {
  if (establishedFiles(resolve(directory)).metadata.length > 0) return;
  const none = `${resolve(directory)}: it has no metadata_manifest.json, also not in its data directory`;
  const [hint, found] = instead(directory, dataDir);
  throw new Failure("usage.invalid", found === undefined ? none : `${none}, but ${found}`, { hint });
}

/** Returns what to do instead, and what was found. */
function instead(directory: string, dataDir: string): [hint: string, found?: string] {
  const own = join(dataDir, MANIFEST_FILENAME);
  const database = databaseNear(directory);
  if (database !== undefined && isSame(database, own))
    return ["name the directory of the other experiment", `${database} is this experiment itself`];
  if (database !== undefined) return [`name ${resolve(database, "..")}`, `there is an experiment in ${database}`];
  const images = imagesIn(directory);
  if (images === 0) return ["name the directory that contains it"];
  return [
    `measure them with \`phorest analyse ${directory}\`, or in an experiment with camera_type = "folder"`,
    `${counted(images, "image")}: import is for experiments`,
  ];
}

/**
 * Finds a database of phorest that the user may have meant: where the configuration in the directory has it, above the directory
 * or below it.
 */
function databaseNear(directory: string): string | undefined {
  const places = [
    ...configuredIn(directory),
    ...[".", "..", "../.."].flatMap((up) => [join(directory, up), join(directory, up, "data")]),
    ...directoriesIn(directory).flatMap((name) => [join(directory, name), join(directory, name, "data")]),
  ];
  return places.map((place) => resolve(place, MANIFEST_FILENAME)).find((file) => existsSync(file));
}

/** Returns the data directory that a configuration in this directory names. */
function configuredIn(directory: string): string[] {
  const file = join(directory, CONFIG_FILENAME);
  if (!existsSync(file)) return [];
  try {
    return [loadConfig(file).config.Paths.data_dir];
  } catch (error) {
    // A configuration with mistakes does not say where the data are; its mistakes do not matter here.
    if (error instanceof Failure) return [];
    throw error;
  }
}

function imagesIn(directory: string): number {
  const places = [directory, ...directoriesIn(directory).map((name) => join(directory, name))];
  return places.flatMap((place) => namesIn(place)).filter(isPictureName).length;
}

const directoriesIn = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));

/** Returns no names if the directory cannot be read. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM", "ENOENT")) return [];
    throw error;
  }
}

const isSame = (file: string, own: string): boolean => existsSync(own) && realpathSync(file) === realpathSync(own);
