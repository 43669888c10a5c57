// How much room a disk has.
import { statfsSync } from "node:fs";
import { hasCode } from "../failure/error-code.ts";

export interface DiskSpace {
  /** Free to this user. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * The space of the disk that holds `directory`. undefined where there is no such directory, and where the file system
 * does not know: some shares answer with zeros, which is no full disk. Errors of the disk pass through.
 */
export function diskSpace(directory: string): DiskSpace | undefined {
  try {
    const { bavail, blocks, bsize } = statfsSync(directory);
    return blocks === 0 ? undefined : { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
