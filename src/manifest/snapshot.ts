// A snapshot: a consistent copy of the whole database, made while others write.
import Database from "better-sqlite3";
import type { Connection } from "./connection.ts";

const PAGES_PER_STEP = 4096;

/**
 * A consistent copy of the whole database as one plain file, by SQLite's online backup; writers continue meanwhile.
 * `file` must not exist.
 */
export async function snapshotTo({ db }: Connection, file: string, signal?: AbortSignal): Promise<void> {
  // Within one read: otherwise every commit of the writer would make the copy begin again.
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
  // The copy says of itself that it has a write-ahead log; it is one plain file instead.
  const copy = new Database(file);
  try {
    copy.pragma("journal_mode = DELETE");
  } finally {
    copy.close();
  }
}
