// What a start finds after a death: claims nobody holds any more, and rows whose picture is gone or has come back.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { Syncing } from "./syncing.ts";

export interface Recovery {
  /** Entries that were in hand and are pending again. */
  readonly requeued: number;
  /** Entries that were in hand too often. */
  readonly failed: readonly { readonly filename: string; readonly reason: string }[];
  /** Pictures that vanished since the last start. */
  readonly missing: readonly string[];
  /** Pictures that were missing and are there again. */
  readonly returned: readonly string[];
}

interface FileRow {
  id: number;
  directory: string;
  filename: string;
}

/** Only for the holder of the experiment's lock: every claim it finds belongs to a dead process. */
export function recoverEntries(
  connection: Connection,
  entries: Entries,
  options: { readonly maxAttempts: number; readonly nowUs: number },
): Recovery {
  return connection.write(() => ({
    ...releaseDeadClaims(connection, options),
    ...comparePictures(connection, entries, options.nowUs),
  }));
}

function releaseDeadClaims(
  { db }: Connection,
  { maxAttempts, nowUs }: { readonly maxAttempts: number; readonly nowUs: number },
): Pick<Recovery, "requeued" | "failed"> {
  const failed = db
    .prepare<[{ maxAttempts: number; nowUs: number }], { filename: string; reason: string }>(`
      UPDATE entry SET status = 'failed', processed_at_us = @nowUs, error_code = 'analysis.failed',
        error = 'took the process down ' || attempts || ' times'
      WHERE status = 'processing' AND attempts >= @maxAttempts RETURNING filename, error AS reason`)
    .all({ maxAttempts, nowUs });
  const { changes } = db.prepare("UPDATE entry SET status = 'pending' WHERE status = 'processing'").run();
  return { requeued: changes, failed };
}

function comparePictures(
  connection: Connection,
  entries: Entries,
  nowUs: number,
): Pick<Recovery, "missing" | "returned"> {
  const { db, directory } = connection;
  const present = new Set(readdirSync(directory));
  const exists = (stored: string, name: string) =>
    stored === "." ? present.has(name) : existsSync(join(entries.absoluteDirectory(stored), name));
  const rename = db.prepare("UPDATE entry SET filename = @name, missing = 0 WHERE id = @id");
  const lose = db.prepare("UPDATE entry SET missing = 1 WHERE id = ? AND missing = 0");
  const failLost = db.prepare(`
    UPDATE entry SET status = 'failed', processed_at_us = ?, error_code = 'frame.missing', error = 'the picture is gone'
    WHERE id = ? AND status = 'pending'`);
  const found = db.prepare(`
    UPDATE entry SET missing = 0, status = iif(error_code = 'frame.missing' AND status = 'failed', 'pending', status),
      attempts = iif(error_code = 'frame.missing', 0, attempts) WHERE id = ?`);
  const syncing = new Syncing(connection, entries);
  const missing: string[] = [];
  const returned: string[] = [];
  const lost = db.prepare<[], number>("SELECT id FROM entry WHERE missing = 1").pluck().all();
  const wasMissing = new Set(lost);
  for (const { id, directory: stored, filename } of pictureRows(db)) {
    if (exists(stored, filename)) {
      if (!wasMissing.has(id)) continue;
      found.run(id);
      returned.push(filename);
      continue;
    }
    // Compression and its undoing may have died between the file and the row.
    const other = filename.endsWith(".gz") ? filename.slice(0, -".gz".length) : `${filename}.gz`;
    if (exists(stored, other)) {
      rename.run({ id, name: other });
      if (wasMissing.has(id)) found.run(id);
      continue;
    }
    // A move or a removal died between the file and the row: the verified copy is the picture now.
    if (syncing.standIn(id, nowUs)) continue;
    failLost.run(nowUs, id);
    if (lose.run(id).changes === 1) missing.push(filename);
  }
  return { missing, returned };
}

const PAGE_ROWS = 10_000;

/** Every row that names a picture on this machine. */
function* pictureRows(db: Connection["db"]): Generator<FileRow> {
  const page = db.prepare<[string, string, number], FileRow>(`
    SELECT id, directory, filename FROM entry INDEXED BY entry_file
    WHERE filename IS NOT NULL AND (directory, filename) > (?, ?) AND local = 1 ORDER BY directory, filename LIMIT ?`);
  let last: FileRow = { id: 0, directory: "", filename: "" };
  for (;;) {
    const rows = page.all(last.directory, last.filename, PAGE_ROWS);
    yield* rows;
    const end = rows.at(-1);
    if (end === undefined) return;
    last = end;
  }
}
