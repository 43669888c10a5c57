// Checks whether a directory holds frames of an imported experiment, before its database is opened for writing.
import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { BUSY_TIMEOUT_MS } from "./reading.ts";

/** Whether the database in `file` has imported frames; false if there is no database. Only for the holder of the lock. */
export function holdsImported(file: string): boolean {
  if (!existsSync(file)) return false;
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    // A run that was killed right after its start leaves a file without tables.
    if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'entry'").get() === undefined) return false;
    return db.prepare("SELECT 1 FROM entry WHERE origin = 'imported' LIMIT 1").get() !== undefined;
  } finally {
    db.close();
  }
}
