// Checks whether a file is the database of a phorest experiment, by its first bytes and not by its name.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { APPLICATION_ID, APPLICATION_ID_AT, SQLITE_HEADER } from "./schema.ts";

/** Whether `path` is a database of phorest, damaged or not; false if there is no regular file. Throws errors of the disk. */
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
