// A consistent copy of a live manifest.
import { rmSync } from "node:fs";
import Database from "better-sqlite3";

/**
 * Writes everything that is committed now into the new database `target`, in one reading transaction: the writer goes on
 * meanwhile. Blocks the calling thread for as long as it takes. A file that is there is replaced.
 */
export function snapshotManifest(file: string, target: string): void {
  rmSync(target, { force: true });
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    db.prepare("VACUUM INTO ?").run(target);
  } finally {
    db.close();
  }
}
