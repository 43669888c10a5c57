// Lists the pictures in a directory in the order of their capture times, for the cameras that read files.
import { type BigIntStats, lstatSync, type Stats, statSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { printable } from "../system/file-name.ts";
import { type DirectoryNames, readNames, unusableNameLine } from "../system/names-in-bytes.ts";
import { captureTimeOf } from "./capture-name.ts";
import type { OtherKinds } from "./other-kinds.ts";
import { isPictureName } from "./picture-name.ts";
import type { CaptureTimes } from "./times/capture-times.ts";
import type { TimeSource } from "./times/source.ts";

export interface PictureFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Capture time, microseconds since the epoch; of a file with several pictures, that of the first. */
  readonly takenAtUs: number;
  /** Source of that time. */
  readonly timeSource: TimeSource;
  /** Modification time, microseconds since the epoch, by the clock of the machine that wrote the file. */
  readonly modifiedUs: number;
  /** Changes whenever the file is written. */
  readonly version: string;
  /** Changes if the file is replaced by another one; on some shares it changes at every call. */
  readonly inode: bigint;
}

/** Called with a picture that exists but cannot be examined, such as a circular link or a broken file on a share. */
type LeftOut = (name: string, why: Failure) => void;

/** Reports pictures that are in the directory but not in the listing. */
interface Beside {
  readonly leftOut?: LeftOut;
  /**
   * Called with every picture that can never be used (because of its name, or because it is a link or a pipe), and a line that
   * says why.
   */
  skipped?(name: string, line: string): void;
}

/** Which pictures are listed. */
export interface ListOptions extends Beside {
  /** Also accept links to regular files. */
  readonly followLinks?: boolean;
  /** Names the files of kinds that phorest does not read or find by their names, by `skipped`. */
  readonly others?: OtherKinds | undefined;
  /** Reads the capture times. Without it, only the names of phorest's own captures give a time. */
  readonly times?: CaptureTimes | undefined;
}

/**
 * Lists the pictures directly in a directory, oldest first; equal times are ordered by name. Hidden and partial files are left
 * out. Failure camera.unavailable (retry later) if neither the directory nor any of its pictures can be read.
 */
export async function listPictures(directory: string, options: ListOptions = {}): Promise<PictureFile[]> {
  const { names, unusable } = await namesIn(directory);
  for (const name of unusable.filter(isPictureName)) options.skipped?.(name, unusableNameLine(name));
  return describePictures(directory, names, options);
}

/** Does the same for some names only. Leaves out names that are not pictures or do not exist. */
export async function describePictures(
  directory: string,
  names: Iterable<string>,
  { leftOut, skipped, followLinks = false, others, times }: ListOptions = {},
): Promise<PictureFile[]> {
  const all = [...names];
  for (const { name, kind } of (await others?.of(directory, all)) ?? []) {
    const which = kind.isReadByName === true ? "" : ", which phorest does not read";
    skipped?.(name, `${name}: skipped: it is ${kind.name}${which} (${kind.remedy})`);
  }
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
 * Returns the file status of a usable picture, synchronously. Returns undefined for any other, and calls `skipped` with a line
 * that says why, unless it is a directory or gone.
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
    // Includes circular links, and links into an unreadable directory.
    skipped(error instanceof Unusable ? error.message : unseen(path, error).line);
    return undefined;
  }
}

/** The reason why a directory entry cannot be used as a picture. */
class Unusable extends Error {}

function linked(name: string): Unusable {
  return new Unusable(`${shown(name)}: skipped: it is a link; set Camera.follow_links = true to use linked images`);
}

function special(name: string): Unusable {
  return new Unusable(`${shown(name)}: skipped: it is a pipe, a socket or a device, not a regular file`);
}

const shown = (name: string): string => printable(name).slice(1, -1);
