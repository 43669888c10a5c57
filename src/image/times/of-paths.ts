// Finds capture times of files that the user names by path.
import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { errorCode } from "../../failure/error-code.ts";
import type { CaptureTimes, TimedFile } from "./capture-times.ts";
import type { PageTime } from "./fill.ts";

/**
 * Returns the time of the first page of each file, in order; undefined for a file that cannot be accessed. `say` as in
 * CaptureTimes.ofFirstPages.
 */
export async function firstPageTimes(
  paths: readonly string[],
  times: CaptureTimes,
  say: (line: string) => void,
): Promise<readonly (PageTime | undefined)[]> {
  const files = await Promise.all(paths.map(timedFile));
  const byDirectory = new Map<string, TimedFile[]>();
  for (const file of files) {
    if (file === undefined) continue;
    const others = byDirectory.get(file.directory);
    if (others === undefined) byDirectory.set(file.directory, [file]);
    else others.push(file);
  }
  const found = new Map<TimedFile, PageTime>();
  for (const some of byDirectory.values()) {
    for (const [file, time] of await times.ofFirstPages(some, [], say)) found.set(file, time);
  }
  return files.map((file) => (file === undefined ? undefined : found.get(file)));
}

/** Returns the description of a file that CaptureTimes needs; undefined if it cannot be accessed. */
export async function timedFile(path: string): Promise<TimedFile | undefined> {
  const whole = resolve(path);
  try {
    const { mtimeNs, size } = await stat(whole, { bigint: true });
    const file = { directory: dirname(whole), name: basename(whole), followLinks: true };
    return { ...file, modifiedUs: Number(mtimeNs / 1000n), version: `${size} ${mtimeNs}` };
  } catch (error) {
    // The reason is reported when it is measured.
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}
