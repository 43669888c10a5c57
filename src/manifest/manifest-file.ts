// Whether a file is the database of a phorest experiment. Its first bytes decide, not its name.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { APPLICATION_ID } from "./schema.ts";

/** https://www.sqlite.org/fileformat2.html: the text at the beginning, and where the application's id is. */
const SQLITE_HEADER = "SQLite format 3\0";
const APPLICATION_ID_AT = 68;

/** Whether `path` is a database of phorest, damaged or not; false where there is no regular file. Throws what the disk throws. */
export function isManifestFile(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const header = Buffer.alloc(APPLICATION_ID_AT + 4);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, header, 0, header.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return (
    header.toString("latin1", 0, SQLITE_HEADER.length) === SQLITE_HEADER &&
    header.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID
  );
}
