// Brightfield pictures on this machine: which there are, and which may be removed. The manifest does not know them; their names
// say when they were taken, and a file with any other name is not phorest's.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { removeConfined } from "../system/confined-file.ts";
import { fileFaultReason, isFileFault } from "../system/fault-of.ts";
import type { SetAside } from "../system/set-aside.ts";

/** As storeBrightfield names them. */
const NAME = /^brightfield_\d{8}_\d{6}_\d{6}_cam\d+(-\d+)?\.\w+$/;

/** Names of the brightfield pictures in `directory`, oldest first; none where there is no such directory. */
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
  /** Kept at least; 0 keeps all. */
  readonly keep: number;
  /** Whether a verified copy of this file, with this size in bytes, is recorded. Absent: nothing is copied, and none is needed. */
  readonly copied?: ((path: string, bytes: number) => boolean) | undefined;
  /** Those that cannot be removed, by name. */
  readonly aside: SetAside<string>;
  /** Called immediately before each removal; nothing more is removed when it throws. */
  readonly lastCheck: () => void;
}

/**
 * Removes the oldest beyond `keep`, as far as they may be removed; returns the names of those it removed. One that cannot be
 * removed is set aside. Throws what the disk and `lastCheck` throw.
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
