// Capture times of images that are named by their paths, in any directories.
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { CaptureTimes, TimedFile } from "./capture-times.ts";

/**
 * The time of the first page of each file, microseconds since the epoch, in the order of the paths. Throws what the file system
 * throws, and as `CaptureTimes`.
 */
export async function firstPageTimes(paths: readonly string[], times: CaptureTimes): Promise<number[]> {
  const files = await Promise.all(paths.map(timedFile));
  const byDirectory = new Map<string, TimedFile[]>();
  for (const file of files) {
    const others = byDirectory.get(file.directory);
    if (others === undefined) byDirectory.set(file.directory, [file]);
    else others.push(file);
  }
  const found = new Map<TimedFile, number>();
  for (const some of byDirectory.values()) {
    for (const [file, { takenAtUs }] of await times.ofFirstPages(some)) found.set(file, takenAtUs);
  }
  return files.map((file) => found.get(file) ?? file.modifiedUs);
}

async function timedFile(path: string): Promise<TimedFile> {
  const { mtimeNs, size } = await stat(path, { bigint: true });
  return {
    directory: dirname(path),
    name: basename(path),
    followLinks: true,
    modifiedUs: Number(mtimeNs / 1000n),
    version: `${size} ${mtimeNs}`,
  };
}
