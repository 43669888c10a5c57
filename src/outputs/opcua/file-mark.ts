// Detects whether a file has changed, without reading it.
import { statSync } from "node:fs";

/** Returns a mark that changes if the file's content, owner or permissions change; empty if there is no file. Never throws. */
export function fileMark(file: string | undefined): string {
  if (file === undefined) return "";
  try {
    const found = statSync(file, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? "" : `${found.ino} ${found.ctimeNs}`;
  } catch (error) {
    // If the disk fails or the directory cannot be entered, the error code serves as the mark until it works again.
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}
