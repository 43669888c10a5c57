// Lets a command of the user (`phorest opcua check`, `trust`) tell a run in another process that the reason for its back-off may
// be gone, by the time stamp of a file.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileMark } from "./file-mark.ts";

const fileIn = (directory: string): string => join(directory, "checked");

/** Records in the certificate directory that the user has checked the server. */
export function noteAsked(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = fileIn(directory);
  // A new file each time: its time stamp differs even if clocks are coarse or were set back.
  rmSync(file, { force: true });
  writeFileSync(file, `${process.pid} ${process.hrtime.bigint()}\n`, { mode: 0o600 });
}

/** Returns a mark that changes when the user has checked the server again; empty if no one has. Never throws. */
export function askedMark(directory: string): string {
  return fileMark(fileIn(directory));
}
