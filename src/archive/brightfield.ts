// Brightfield pictures as they lie here: which there are, and which may go. Nothing in the manifest names them; their names
// say when they were taken, and a file of any other name is somebody else's.
import { readdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** As storeBrightfield names them. */
const NAME = /^brightfield_\d{8}_\d{6}_\d{6}_cam\d+(-\d+)?\.\w+$/;

/** Names of the brightfield pictures in `directory`, oldest first; none where there is no such directory. */
export function brightfieldNames(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => NAME.test(name))
      .sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

export interface TrimOptions {
  readonly directory: string;
  /** Kept at least; 0 keeps all. */
  readonly keep: number;
  /** Whether a verified copy of this file, of so many bytes, is noted. Absent: nothing is copied, and none is needed. */
  readonly copied?: ((path: string, bytes: number) => boolean) | undefined;
}

/** Removes the oldest beyond `keep`, as far as they may go; returns the names of those it removed. */
export async function trimBrightfield({ directory, keep, copied }: TrimOptions): Promise<string[]> {
  if (keep === 0) return [];
  const removed: string[] = [];
  for (const name of brightfieldNames(directory).slice(0, -keep)) {
    const path = join(directory, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined || (copied !== undefined && !copied(path, stats.size))) continue;
    await rm(path, { force: true });
    removed.push(name);
  }
  return removed;
}
