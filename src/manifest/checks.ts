// Checks: the rows that a check of the files needs, and SQLite's own integrity check.
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { FILE_ENTRY } from "./page-rows.ts";
import { pages } from "./pages.ts";
import type { Origin, Status } from "./schema.ts";

/** An entry that names a picture. */
export interface PictureRow {
  readonly entryId: number;
  /** Whether the file was written by another program or an earlier run: its size and hash are recorded later than its row. */
  readonly isFound: boolean;
  readonly filename: string;
  /** Absolute directory: on this machine, or on the share after the image was moved there. */
  readonly filepath: string;
  readonly status: Status;
  /** The first page of the file that is a frame, from 0; undefined if the file is a single image. */
  readonly page: number | undefined;
  /** Size of the file in its present form, bytes. */
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly local: boolean;
  readonly synced: boolean;
  readonly missing: boolean;
  readonly damaged: boolean;
  /** The share that holds the copy. */
  readonly remoteId: string | undefined;
  /** Relative to the remote root. */
  readonly remotePath: string | undefined;
  readonly remoteBytes: number | undefined;
  readonly remoteSha256: string | undefined;
}

/** Files from which pages were lost, and why. */
export interface CutOffFiles {
  readonly count: number;
  readonly first: readonly { readonly filename: string; readonly why: string }[];
}

/** An auxiliary file, as last copied to the share. */
export interface SyncedFile {
  /** The share it is on. */
  readonly remoteId: string;
  /** Relative to the experiment's root. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Relative to the remote root. */
  readonly remotePath: string;
}

interface Row {
  id: number;
  origin: Origin;
  directory: string;
  filename: string;
  status: Status;
  page: number | null;
  bytes: number | null;
  sha256: string | null;
  local: number;
  image_synced: number;
  missing: number;
  damaged: number;
  remote_id: string | null;
  remote_path: string | null;
  remote_bytes: number | null;
  remote_sha256: string | null;
}

const COLUMNS = `id, origin, directory, filename, status, bytes, sha256, local, image_synced, missing, damaged, remote_id, remote_path,
  remote_bytes, remote_sha256`;
const PAGE = 1000;

export class Checks {
  readonly #connection: Connection;
  readonly #entries: Entries;

  constructor(connection: Connection, entries: Entries) {
    this.#connection = connection;
    this.#entries = entries;
  }

  /** Yields every entry that names an image, in order of ids, with what a file check needs. */
  *pictures(): Generator<PictureRow> {
    const page = this.#connection.db.prepare<[number, number], Row>(
      `SELECT ${COLUMNS}, page FROM entry WHERE id > ? AND filename IS NOT NULL ORDER BY id LIMIT ?`,
    );
    const rows = pages(
      0,
      (id) => page.all(id, PAGE),
      ({ id }) => id,
    );
    for (const row of rows) yield pictureRow(row, this.#entries);
  }

  /** Returns the file that an entry is in, and its page there. `entryId` of the result is the entry that carries the file. */
  picture(entryId: number): PictureRow | undefined {
    const row = this.#connection.db
      .prepare<[{ entryId: number }], Row>(`
        SELECT ${COLUMNS}, (SELECT page FROM entry WHERE id = @entryId) AS page
        FROM entry WHERE id = ${FILE_ENTRY} AND filename IS NOT NULL`)
      .get({ entryId });
    return row === undefined ? undefined : pictureRow(row, this.#entries);
  }

  /** Whether the size and hash of an imported or found image are not recorded yet. */
  hasUnrecorded(): boolean {
    return (
      this.#connection.db
        .prepare(`SELECT 1 FROM entry WHERE origin <> 'captured' AND filename IS NOT NULL AND missing = 0
          AND (bytes IS NULL OR sha256 IS NULL) LIMIT 1`)
        .get() !== undefined
    );
  }

  /** Returns the names of the first `limit` images marked as damaged, oldest first. */
  damagedNames(limit: number): string[] {
    return this.#connection.db
      .prepare<[number], string>("SELECT filename FROM entry WHERE damaged = 1 ORDER BY id LIMIT ?")
      .pluck()
      .all(limit);
  }

  /** Returns the first `limit` truncated files, oldest first, and the total number. */
  cutOff(limit: number): CutOffFiles {
    const { db } = this.#connection;
    const count = db
      .prepare<[], number>("SELECT count(*) FROM entry INDEXED BY entry_cut_off WHERE cut_off IS NOT NULL")
      .pluck();
    const first = db.prepare<[number], { filename: string; why: string }>(`
      SELECT filename, cut_off AS why FROM entry INDEXED BY entry_cut_off
      WHERE cut_off IS NOT NULL AND filename IS NOT NULL ORDER BY id LIMIT ?`);
    return { count: count.get() ?? 0, first: first.all(limit) };
  }

  /** Returns the auxiliary files as they were last copied, for every share that was ever used. */
  syncedFiles(): SyncedFile[] {
    return this.#connection.db
      .prepare<[], SyncedFile>(`
        SELECT remote_id AS remoteId, path, bytes, sha256, remote_path AS remotePath FROM synced_file ORDER BY path`)
      .all();
  }

  /** Returns what SQLite's integrity check finds, one line per problem; empty if there is none. */
  integrityProblems(): string[] {
    const { db } = this.#connection;
    const integrity = db.prepare<[], string>("PRAGMA integrity_check").pluck().all();
    const dangling = db
      .prepare<[], { table: string; rowid: number | null; parent: string }>("PRAGMA foreign_key_check")
      .all()
      .map(
        ({ table, rowid, parent }) =>
          `row ${rowid ?? "?"} of table ${table} refers to a row of ${parent} that does not exist`,
      );
    return [...integrity.filter((line) => line !== "ok"), ...dangling];
  }
}

function pictureRow(row: Row, entries: Entries): PictureRow {
  return {
    entryId: row.id,
    isFound: row.origin !== "captured",
    filename: row.filename,
    filepath: entries.absoluteDirectory(row.directory),
    status: row.status,
    page: row.page ?? undefined,
    bytes: row.bytes ?? undefined,
    sha256: row.sha256 ?? undefined,
    local: row.local === 1,
    synced: row.image_synced === 1,
    missing: row.missing === 1,
    damaged: row.damaged === 1,
    remoteId: row.remote_id ?? undefined,
    remotePath: row.remote_path ?? undefined,
    remoteBytes: row.remote_bytes ?? undefined,
    remoteSha256: row.remote_sha256 ?? undefined,
  };
}
