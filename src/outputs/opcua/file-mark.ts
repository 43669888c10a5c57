// Tells whether a file is another one than before, without reading it.
import { statSync } from "node:fs";

/** Changes when the file's content, owner or permissions change; empty for no file. Never throws. */
export function fileMark(file: string | undefined): string {
  if (file === undefined) return "";
  try {
    const found = statSync(file, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? "" : `${found.ino} ${found.ctimeNs}`;
  } catch (error) {
    // A disk that fails, a directory that may not be entered: as good as any other mark, until it works again.
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}
