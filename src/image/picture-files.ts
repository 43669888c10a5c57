// Pictures in a directory, as the file-reading sources see them: whole listings in the order of their time.
import { type BigIntStats, lstatSync, type Stats, statSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { printable } from "../system/file-name.ts";
import { type DirectoryNames, readNames, unusableNameLine } from "../system/names-in-bytes.ts";
import { captureTimeOf } from "./capture-name.ts";
import { isPictureName } from "./picture-name.ts";
import type { CaptureTimes } from "./times/capture-times.ts";
import type { TimeSource } from "./times/source.ts";

export interface PictureFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** When it was taken, of a file with several pictures the first; microseconds since the epoch. */
  readonly takenAtUs: number;
  /** Where that time is from. */
  readonly timeSource: TimeSource;
  /** Time of modification, microseconds since the epoch by the clock of who wrote it. */
  readonly modifiedUs: number;
  /** Changes whenever the file is written. */
  readonly version: string;
  /** Changes when the file is replaced by another one; on some shares also at each look. */
  readonly inode: bigint;
}

/** Called with a picture that is there and cannot be examined: a circular link, a share's broken file. */
type LeftOut = (name: string, why: Failure) => void;

/** What is reported about pictures that are in the directory and not in the listing. */
interface Beside {
  readonly leftOut?: LeftOut;
  /** Called with every picture that can never be taken as it is (its name, a link, a pipe), and the line that says why. */
  skipped?(name: string, line: string): void;
}

/** Which pictures are listed. */
export interface ListOptions extends Beside {
  /** Take links to regular files for pictures, too. */
  readonly followLinks?: boolean;
  /** Reads the times of capture. Without it only the names of own captures give a time. */
  readonly times?: CaptureTimes | undefined;
}

/**
 * The pictures directly in a directory, oldest first, equal times by name; hidden and partial files are left out.
 * Failure camera.unavailable (retry later) when the directory, or not one of its pictures, can be read.
 */
export async function listPictures(directory: string, options: ListOptions = {}): Promise<PictureFile[]> {
  const { names, unusable } = await namesIn(directory);
  for (const name of unusable.filter(isPictureName)) options.skipped?.(name, unusableNameLine(name));
  return describePictures(directory, names, options);
}

/** The same for some names only; those that are no pictures or not there are left out. */
export async function describePictures(
  directory: string,
  names: Iterable<string>,
  { leftOut, skipped, followLinks = false, times }: ListOptions = {},
): Promise<PictureFile[]> {
  const all = [...names];
  const failures: (readonly [string, Failure])[] = [];
  const looks = all.filter(isPictureName).map((name) =>
    describe(directory, name, followLinks).catch((error: unknown) => {
      if (error instanceof Unusable) skipped?.(name, error.message);
      else failures.push([name, unseen(join(directory, name), error)]);
      return undefined;
    }),
  );
  const files = (await Promise.all(looks)).filter((file) => file !== undefined);
  const [first] = failures;
  if (first !== undefined && files.length === 0) throw first[1];
  for (const [name, why] of failures) leftOut?.(name, why);
  const timed = times === undefined ? files : await withTimes(directory, all, files, { times, followLinks });
  return timed.sort((a, b) => a.takenAtUs - b.takenAtUs || (a.name < b.name ? -1 : 1));
}

async function withTimes(
  directory: string,
  names: readonly string[],
  files: readonly PictureFile[],
  { times, followLinks }: { readonly times: CaptureTimes; readonly followLinks: boolean },
): Promise<PictureFile[]> {
  const wanted = files.map((file) => ({ ...file, directory, followLinks }));
  const found = await times.ofFirstPages(wanted, names);
  return files.map((file, index) => {
    const time = found.get(wanted[index] as (typeof wanted)[number]);
    return time === undefined ? file : { ...file, takenAtUs: time.takenAtUs, timeSource: time.source };
  });
}

function unseen(path: string, error: unknown): Failure {
  return new Failure("camera.unavailable", `${path}: cannot access this image: ${reasonOf(error)}`, {
    hint: "fix or remove it; phorest retries",
    retry: "later",
    cause: error,
  });
}

const reasonOf = (error: unknown): string => errorCode(error) ?? String(error);

async function namesIn(directory: string): Promise<DirectoryNames> {
  try {
    return await readNames(directory);
  } catch (error) {
    const reason = reasonOf(error);
    throw new Failure("camera.unavailable", `${directory}: cannot read this directory of images: ${reason}`, {
      hint: "mount or create it; phorest retries",
      retry: "later",
      cause: error,
    });
  }
}

async function describe(directory: string, name: string, followLinks: boolean): Promise<PictureFile | undefined> {
  const path = join(directory, name);
  let found: BigIntStats;
  try {
    found = await lstat(path, { bigint: true });
    if (found.isSymbolicLink()) {
      if (!followLinks) throw linked(name);
      found = await stat(path, { bigint: true });
    }
  } catch (error) {
    // Renamed or removed since the listing: the next listing shows it.
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  if (found.isDirectory()) return undefined;
  if (!found.isFile()) throw special(name);
  const modifiedUs = Number(found.mtimeNs / 1000n);
  const namedUs = captureTimeOf(name);
  return {
    name,
    path,
    bytes: Number(found.size),
    takenAtUs: namedUs ?? modifiedUs,
    timeSource: namedUs === undefined ? "file" : "name",
    modifiedUs,
    version: `${found.size} ${found.mtimeNs}`,
    inode: found.ino,
  };
}

/**
 * Status of a picture that may be used, at once. undefined for any other: `skipped` is called with the line that says why,
 * unless it is a directory or gone.
 */
export function usableStatus(
  directory: string,
  name: string,
  followLinks: boolean,
  skipped: (line: string) => void,
): Stats | undefined {
  const path = join(directory, name);
  try {
    let found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) {
      if (!followLinks) throw linked(name);
      found = statSync(path, { throwIfNoEntry: false });
    }
    if (found === undefined || found.isDirectory()) return undefined;
    if (!found.isFile()) throw special(name);
    return found;
  } catch (error) {
    // Also a link in a circle, or into a directory that may not be read.
    skipped(error instanceof Unusable ? error.message : unseen(path, error).line);
    return undefined;
  }
}

/** Why a directory entry is not a picture that may be used. */
class Unusable extends Error {}

function linked(name: string): Unusable {
  return new Unusable(`${shown(name)}: skipped: it is a link; set Camera.follow_links = true to use linked images`);
}

function special(name: string): Unusable {
  return new Unusable(`${shown(name)}: skipped: it is a pipe, a socket or a device, not a regular file`);
}

const shown = (name: string): string => printable(name).slice(1, -1);
