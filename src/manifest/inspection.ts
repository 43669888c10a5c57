// What a check of the files needs to know of the rows, and what it may put right in them. Nothing here deletes a picture's
// row, and a size or hash once recorded is never replaced.
import { PIXELS_CHECKSUM } from "../cameras/frame.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import type { Status } from "./schema.ts";

/** An entry that names a picture. */
export interface PictureRow {
  readonly entryId: number;
  readonly filename: string;
  /** Directory, absolute: here, or on the share once the picture was moved there. */
  readonly filepath: string;
  readonly status: Status;
  /** Of the file as it lies there. */
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

/** A file beside the pictures, as last copied to the share. */
export interface SyncedFile {
  /** The share it lies on. */
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
  directory: string;
  filename: string;
  status: Status;
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

const COLUMNS = `id, directory, filename, status, bytes, sha256, local, image_synced, missing, damaged, remote_id, remote_path,
  remote_bytes, remote_sha256`;
const PAGE = 1000;

export function* pictures({ db }: Connection, entries: Entries): Generator<PictureRow> {
  const page = db.prepare<[number, number], Row>(
    `SELECT ${COLUMNS} FROM entry WHERE id > ? AND filename IS NOT NULL ORDER BY id LIMIT ?`,
  );
  let after = 0;
  for (;;) {
    const rows = page.all(after, PAGE);
    for (const row of rows) yield pictureRow(row, entries);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

export function picture({ db }: Connection, entries: Entries, entryId: number): PictureRow | undefined {
  const row = db
    .prepare<[number], Row>(`SELECT ${COLUMNS} FROM entry WHERE id = ? AND filename IS NOT NULL`)
    .get(entryId);
  return row === undefined ? undefined : pictureRow(row, entries);
}

/** Names of the first `limit` pictures marked as damaged, oldest first. */
export function damagedNames({ db }: Connection, limit: number): string[] {
  return db
    .prepare<[number], string>("SELECT filename FROM entry WHERE damaged = 1 ORDER BY id LIMIT ?")
    .pluck()
    .all(limit);
}

/** A frame as it was captured, with what tells its picture from others. */
export interface CapturedPicture {
  readonly entryId: number;
  readonly filename: string;
  readonly capturedAtUs: number;
  readonly cameraType: string | undefined;
  /** Of the file as it was captured. */
  readonly sha256: string | undefined;
  /** Of the pixels, whatever the file says beside them; undefined where nobody decoded it before it was stored. */
  readonly pixels: number | undefined;
}

interface CapturedRow {
  id: number;
  filename: string;
  captured_at_us: number;
  camera_type: string | null;
  sha256: string | null;
  pixels: number | string | null;
}

/** The pictures captured last, the newest first; those adopted from the directory or imported are not among them. */
export function capturedPictures({ db }: Connection, limit: number): CapturedPicture[] {
  return db
    .prepare<[number], CapturedRow>(`
      SELECT id, filename, captured_at_us, camera_type, coalesce(original_sha256, sha256) AS sha256,
        iif(json_valid(settings), settings ->> '${PIXELS_CHECKSUM}', NULL) AS pixels
      FROM entry WHERE origin = 'captured' AND filename IS NOT NULL ORDER BY id DESC LIMIT ?`)
    .all(limit)
    .map((row) => ({
      entryId: row.id,
      filename: row.filename,
      capturedAtUs: row.captured_at_us,
      cameraType: row.camera_type ?? undefined,
      sha256: row.sha256 ?? undefined,
      pixels: typeof row.pixels === "number" ? row.pixels : undefined,
    }));
}

/** The latest time stamp of any frame, microseconds since the epoch; undefined before the first. */
export function newestCaptureUs({ db }: Connection): number | undefined {
  const newest = db.prepare<[], number | null>("SELECT max(captured_at_us) FROM entry").pluck().get();
  return newest ?? undefined;
}

export function syncedFiles({ db }: Connection): SyncedFile[] {
  return db
    .prepare<[], SyncedFile>(`
      SELECT remote_id AS remoteId, path, bytes, sha256, remote_path AS remotePath FROM synced_file ORDER BY path`)
    .all();
}

function pictureRow(row: Row, entries: Entries): PictureRow {
  return {
    entryId: row.id,
    filename: row.filename,
    filepath: entries.absoluteDirectory(row.directory),
    status: row.status,
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

/** Changes a file check may make. */
export class Repairs {
  readonly #connection: Connection;
  readonly #entries: Entries;

  constructor(connection: Connection, entries: Entries) {
    this.#connection = connection;
    this.#entries = entries;
  }

  /** Records size and hash where none were known; a recorded one stays. */
  recordContent(entryId: number, bytes: number, sha256: string): void {
    this.#run(
      "UPDATE entry SET bytes = coalesce(bytes, @bytes), sha256 = coalesce(sha256, @sha256) WHERE id = @entryId",
      {
        entryId,
        bytes,
        sha256,
      },
    );
  }

  /** The picture is not what was recorded of it. A frame still to be measured is set aside: its numbers would be wrong. */
  markDamaged(entryId: number, nowUs: number): void {
    this.#run(
      `UPDATE entry SET damaged = 1, processed_at_us = iif(status = 'pending', @nowUs, processed_at_us),
         error_code = iif(status = 'pending', 'frame.unreadable', error_code),
         error = iif(status = 'pending', 'the picture differs from what was captured', error),
         status = iif(status = 'pending', 'failed', status)
       WHERE id = @entryId`,
      { entryId, nowUs },
    );
  }

  /** The picture is what was recorded of it, after all. */
  markSound(entryId: number): void {
    this.#run(
      `UPDATE entry SET damaged = 0,
         status = iif(status = 'failed' AND error = 'the picture differs from what was captured', 'pending', status)
       WHERE id = @entryId`,
      { entryId },
    );
  }

  /** The picture is gone from here. A frame still to be measured failed with it. */
  markMissing(entryId: number, nowUs: number): void {
    this.#run(
      `UPDATE entry SET missing = 1, processed_at_us = iif(status = 'pending', @nowUs, processed_at_us),
         error_code = iif(status = 'pending', 'frame.missing', error_code),
         error = iif(status = 'pending', 'the picture is gone', error),
         status = iif(status = 'pending', 'failed', status)
       WHERE id = @entryId`,
      { entryId, nowUs },
    );
  }

  /** The row names something that is never opened: it is set aside, whatever is there. `reason` ends "the picture ...". */
  refuse(entryId: number, reason: string, nowUs: number): void {
    this.#run(
      `UPDATE entry SET missing = 1, processed_at_us = iif(status IN ('pending', 'processing'), @nowUs, processed_at_us),
         error_code = iif(status IN ('pending', 'processing'), 'file.refused', error_code),
         error = iif(status IN ('pending', 'processing'), @reason, error),
         status = iif(status IN ('pending', 'processing'), 'failed', status)
       WHERE id = @entryId`,
      { entryId, reason, nowUs },
    );
  }

  /** A picture that was missing is there again; it is measured if its absence was why it was not. */
  markReturned(entryId: number): void {
    this.#run(
      `UPDATE entry SET missing = 0, attempts = iif(error_code = 'frame.missing', 0, attempts),
         status = iif(error_code = 'frame.missing' AND status = 'failed', 'pending', status)
       WHERE id = @entryId`,
      { entryId },
    );
  }

  /** There is no good copy on the share: the next sync copies the picture again. */
  unsync(entryId: number): void {
    this.#run("UPDATE entry SET image_synced = 0, synced_at_us = NULL WHERE id = @entryId", { entryId });
  }

  /**
   * The only copy is the one on the share: what it is there is what counts from now on. False, and nothing changed, when
   * that is another entry's.
   */
  moveToRemote(entryId: number, directory: string, filename: string): boolean {
    if (this.#entries.knowsFile(filename, directory)) return false;
    this.#run(
      `UPDATE entry SET local = 0, missing = 0, directory = @directory, filename = @filename,
         bytes = coalesce(remote_bytes, bytes), sha256 = coalesce(remote_sha256, sha256)
       WHERE id = @entryId`,
      { entryId, directory: this.#entries.storedDirectory(directory), filename },
    );
    return true;
  }

  /** A file beside the pictures is copied to the share again. */
  forgetSynced({ remoteId, path }: Pick<SyncedFile, "remoteId" | "path">): void {
    this.#run("DELETE FROM synced_file WHERE remote_id = @remoteId AND path = @path", { remoteId, path });
  }

  /** Claims nobody holds; returns how many went back to the queue. */
  releaseClaims(): number {
    return this.#run("UPDATE entry SET status = 'pending' WHERE status = 'processing'", {});
  }

  #run(sql: string, values: Record<string, string | number>): number {
    return this.#connection.write(() => this.#connection.db.prepare(sql).run(values).changes);
  }
}
