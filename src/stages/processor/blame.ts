// What a failure is blamed on: the frame that met it, or what all frames need.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FailureCode, FailureData } from "../../failure/failure.ts";
import type { Claim } from "../../manifest/entries.ts";

/** A missing file is the frame's fault where it is its picture; what the program itself needs is not. */
export function asFrame({ filepath, filename }: Claim, failure: FailureData): FailureData {
  const isPicture = failure.code === "file.missing" && !existsSync(join(filepath, filename));
  return isPicture ? { ...failure, code: "frame.missing", retry: "never" } : failure;
}

/** Failures of what all frames need: the disk, the manifest, the program itself. No frame is to blame for them. */
const OF_NO_FRAME: ReadonlySet<FailureCode> = new Set([
  "disk.full",
  "disk.failed",
  "file.missing",
  "installation.broken",
  "manifest.corrupt",
  "manifest.failed",
  "manifest.locked",
]);

/** Whether a failure is one that no frame is to blame for. */
export function isStorage(failure: FailureData): boolean {
  return OF_NO_FRAME.has(failure.code);
}
