// Decides the cause of a failure: the frame itself, or something that all frames need.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FailureCode, FailureData } from "../../failure/failure.ts";
import type { Claim } from "../../manifest/entries.ts";

/**
 * Returns the failure of a frame. A missing file is the frame's fault only if it is its image, not if the program itself needs
 * the file.
 */
export function asFrame({ filepath, filename }: Claim, failure: FailureData): FailureData {
  const isPicture = failure.code === "file.missing" && !existsSync(join(filepath, filename));
  return isPicture ? { ...failure, code: "frame.missing", retry: "never" } : failure;
}

/** Failures of what all frames need: the disk, the manifest, the program itself. No frame causes them. */
const OF_NO_FRAME: ReadonlySet<FailureCode> = new Set([
  "disk.full",
  "disk.failed",
  "file.missing",
  "installation.broken",
  "manifest.corrupt",
  "manifest.failed",
  "manifest.locked",
]);

/** Whether no frame causes this failure. */
export function isStorage(failure: FailureData): boolean {
  return OF_NO_FRAME.has(failure.code);
}
