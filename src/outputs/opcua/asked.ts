// How a command that a person runs (`phorest opcua check`, `trust`) tells a run in another process that the reason for its
// back-off may be gone: the time stamp of a file.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileMark } from "./file-mark.ts";

const fileIn = (directory: string): string => join(directory, "checked");

/** Records in the certificate directory that a person has checked the server. */
export function noteAsked(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = fileIn(directory);
  // A new file each time: its time stamp is another one even where clocks are coarse or were set back.
  rmSync(file, { force: true });
  writeFileSync(file, `${process.pid} ${process.hrtime.bigint()}\n`, { mode: 0o600 });
}

/** Changes when a person has checked the server again; empty while no one has. Never throws. */
export function askedMark(directory: string): string {
  return fileMark(fileIn(directory));
}
