// Reads what is known of the last run before the next one opens (and possibly migrates) the database.
import Database from "better-sqlite3";
import { BUSY_TIMEOUT_MS } from "./reading.ts";

/**
 * Returns the stored configuration of the last run and the number of frames; undefined before the first run. Works for every
 * version of the database. Only for the holder of the lock, because nothing may write to it meanwhile.
 */
export function lastRun(file: string): { readonly config: string; readonly frames: number } | undefined {
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    return db
      .prepare<[], { config: string; frames: number }>(
        "SELECT config, (SELECT count(*) FROM entry) AS frames FROM run ORDER BY id DESC LIMIT 1",
      )
      .get();
  } finally {
    db.close();
  }
}
