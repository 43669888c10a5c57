// Pictures lying in a directory, as the file-reading sources see them: whole listings in the order of their time.
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isPictureName } from "../analysis/decode.ts";
import { Failure } from "../failure.ts";
import { type DirectoryNames, readNames, unusableNameLine } from "../file-names.ts";
import { captureTimeOf } from "./frame.ts";

export interface PictureFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Moment in the established file name, else the file's time of modification; microseconds since the epoch. */
  readonly takenAtUs: number;
  /** Time of modification, microseconds since the epoch by the clock of who wrote it. */
  readonly modifiedUs: number;
  /** Changes whenever the file is written or replaced. */
  readonly version: string;
}

/** Is told of a picture that is there and cannot be looked at: a link in a circle, a share's broken file. */
export type LeftOut = (name: string, why: Failure) => void;

/** What is reported about pictures that are in the directory and not in the listing. */
export interface Beside {
  readonly leftOut?: LeftOut;
  /** Called with every picture that can never be taken under its present name, and with the line that says why. */
  skipped?(name: string, line: string): void;
}

/**
 * The pictures directly in a directory, oldest first, equal times by name; hidden and partial files are left out.
 * Failure camera.unavailable (retry later) when the directory, or not one of its pictures, can be read.
 */
export async function listPictures(directory: string, beside: Beside = {}): Promise<PictureFile[]> {
  const { names, unusable } = await namesIn(directory);
  for (const name of unusable.filter(isPictureName)) beside.skipped?.(name, unusableNameLine(name));
  return describePictures(directory, names, beside.leftOut);
}

/** The same for some names only; those that are no pictures or not there are left out. */
export async function describePictures(
  directory: string,
  names: Iterable<string>,
  leftOut: LeftOut = () => undefined,
): Promise<PictureFile[]> {
  const failures: (readonly [string, Failure])[] = [];
  const looks = [...names].filter(isPictureName).map((name) =>
    describe(directory, name).catch((error: unknown) => {
      failures.push([name, unseen(join(directory, name), error)]);
      return undefined;
    }),
  );
  const files = (await Promise.all(looks)).filter((file) => file !== undefined);
  const [first] = failures;
  if (first !== undefined && files.length === 0) throw first[1];
  for (const [name, why] of failures) leftOut(name, why);
  return files.sort((a, b) => a.takenAtUs - b.takenAtUs || (a.name < b.name ? -1 : 1));
}

function unseen(path: string, error: unknown): Failure {
  return new Failure("camera.unavailable", `${path}: this picture cannot be looked at: ${reasonOf(error)}`, {
    hint: "mend or remove it; it is tried again",
    retry: "later",
    cause: error,
  });
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

async function namesIn(directory: string): Promise<DirectoryNames> {
  try {
    return await readNames(directory);
  } catch (error) {
    const reason = reasonOf(error);
    throw new Failure("camera.unavailable", `${directory}: the directory of pictures cannot be read: ${reason}`, {
      hint: "mount or create it; its pictures are taken as soon as it is back",
      retry: "later",
      cause: error,
    });
  }
}

async function describe(directory: string, name: string): Promise<PictureFile | undefined> {
  const path = join(directory, name);
  let found: BigIntStats;
  try {
    found = await stat(path, { bigint: true });
  } catch (error) {
    // Renamed or removed since the listing: the next listing tells.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  if (!found.isFile()) return undefined;
  return {
    name,
    path,
    bytes: Number(found.size),
    takenAtUs: captureTimeOf(name) ?? Number(found.mtimeNs / 1000n),
    modifiedUs: Number(found.mtimeNs / 1000n),
    version: `${found.size} ${found.mtimeNs} ${found.ino}`,
  };
}
