// Whether a directory holds frames of an imported experiment, asked before its database is opened to be written.
import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { BUSY_TIMEOUT_MS } from "./reading.ts";

/** Whether the database in `file` has imported frames; false where there is no database. For the holder of the lock. */
export function holdsImported(file: string): boolean {
  if (!existsSync(file)) return false;
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    // A run that was killed at its first moment leaves a file without tables.
    if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'entry'").get() === undefined) return false;
    return db.prepare("SELECT 1 FROM entry WHERE origin = 'imported' LIMIT 1").get() !== undefined;
  } finally {
    db.close();
  }
}
