// Reads the size and the free space of a disk.
import { statfsSync } from "node:fs";
import { hasCode } from "../failure/error-code.ts";

export interface DiskSpace {
  /** Bytes that this user can still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * Returns the space of the disk that holds `directory`. Undefined if the directory does not exist, and if the file system does
 * not know: some shares answer with zeros, which does not mean that the disk is full. Throws errors of the disk.
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
