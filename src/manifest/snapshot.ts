// A snapshot: a consistent copy of the whole database, made while others write.
import Database from "better-sqlite3";
import type { Connection } from "./connection.ts";

const PAGES_PER_STEP = 4096;

/**
 * Writes a consistent copy of the whole database to one plain file, with SQLite's online backup; writers can continue meanwhile.
 * `file` must not exist.
 */
export async function snapshotTo({ db }: Connection, file: string, signal?: AbortSignal): Promise<void> {
  // Uses one read transaction: otherwise every commit of the writer would restart the copy.
  db.exec("BEGIN");
  try {
    db.prepare("SELECT count(*) FROM sqlite_master").get();
    await db.backup(file, {
      progress: () => {
        signal?.throwIfAborted();
        return PAGES_PER_STEP;
      },
    });
  } finally {
    db.exec("ROLLBACK");
  }
  // The header of the copy says that it has a write-ahead log; make it one plain file instead.
  const copy = new Database(file);
  try {
    copy.pragma("journal_mode = DELETE");
  } finally {
    copy.close();
  }
}
