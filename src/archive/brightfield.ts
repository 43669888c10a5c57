// Brightfield images on this machine: which ones exist, and which may be removed. They are not in the manifest. Their names
// contain the capture time, and a file with any other name is not phorest's.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { removeConfined } from "../system/confined-file.ts";
import { fileFaultReason, isFileFault } from "../system/fault-of.ts";
import type { SetAside } from "../system/set-aside.ts";

/** The names that storeBrightfield gives. */
const NAME = /^brightfield_\d{8}_\d{6}_\d{6}_cam\d+(-\d+)?\.\w+$/;

/** Returns the names of the brightfield images in `directory`, oldest first; none if the directory does not exist. */
export function brightfieldNames(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => NAME.test(name))
      .sort();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

export interface TrimOptions {
  readonly directory: string;
  /** Number of images that are kept at least; 0 keeps all. */
  readonly keep: number;
  /** Whether a verified copy of this file, with this size in bytes, is recorded. Absent: nothing is copied, and none is needed. */
  readonly copied?: ((path: string, bytes: number) => boolean) | undefined;
  /** Images that cannot be removed, by name. */
  readonly aside: SetAside<string>;
  /** Called immediately before each removal; if it throws, nothing more is removed. */
  readonly lastCheck: () => void;
}

/**
 * Removes the oldest images beyond `keep`, as far as they may be removed; returns the names of the removed ones. An image that
 * cannot be removed is set aside. Throws errors of the disk and of `lastCheck`.
 */
export async function trimBrightfield({ directory, keep, copied, aside, lastCheck }: TrimOptions): Promise<string[]> {
  if (keep === 0) return [];
  const removed: string[] = [];
  const names = brightfieldNames(directory);
  const there = new Set(names);
  aside.keepOnly((name) => there.has(name));
  for (const name of names.slice(0, -keep)) {
    if (aside.isResting(name)) continue;
    try {
      const path = join(directory, name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined || (copied !== undefined && !copied(path, stats.size))) continue;
      await removeConfined(directory, name, { bytes: stats.size }, lastCheck);
      aside.remove(name);
      removed.push(name);
    } catch (error) {
      if (!(await isFileFault(error, directory))) throw error;
      aside.add(name, name, fileFaultReason(error));
    }
  }
  return removed;
}
