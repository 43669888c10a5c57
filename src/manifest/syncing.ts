// What the manifest knows about copies on the remote: which images wait to be copied, where each copy is, and the auxiliary
// files.
import { basename, dirname, join } from "node:path";
import type { Statement } from "better-sqlite3";
import { pictureNameProblem } from "../image/picture-name.ts";
import { isPlainPath } from "../system/file-name.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { UNSYNCED } from "./page-schema.ts";
import type { Shares } from "./shares.ts";
import type { PictureRow } from "./storage.ts";

/** An image that waits to be copied. */
export interface UnsyncedPicture {
  readonly entryId: number;
  readonly filename: string;
  /** Directory, absolute. */
  readonly filepath: string;
  /** As recorded in the manifest; undefined if it has not been computed yet. */
  readonly sha256: string | undefined;
  readonly bytes: number | undefined;
}

export interface UnsyncedQuery {
  readonly limit: number;
  /** Only images with a higher id. */
  readonly afterEntryId?: number;
  /** Leave out images that compression has not handled yet, because their files will still change. */
  readonly compressedOnly: boolean;
  /** Entries to leave out. */
  readonly except?: readonly number[];
}

/** A verified copy. */
export interface PictureCopy {
  readonly entryId: number;
  /** Name of the local file that was copied. */
  readonly filename: string;
  /** The share it is on. */
  readonly remoteId: string;
  /** Relative to the remote root. */
  readonly remotePath: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The copy of an auxiliary file. */
export interface SyncedFile {
  /** The share it is on. */
  readonly remoteId: string;
  /** Its place in the experiment. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAtUs: number;
  readonly sha256: string;
  /** Relative to the remote root. */
  readonly remotePath: string;
  readonly syncedAtUs: number;
  readonly stagedSha256: string | undefined;
}

/** An image of this experiment, with the size and hash that it must have when it is removed. */
export interface OwnFile {
  /** Absolute. */
  readonly directory: string;
  readonly filename: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface FileRow {
  remote_id: string;
  path: string;
  bytes: number;
  modified_at_us: number;
  sha256: string;
  remote_path: string;
  synced_at_us: number;
  staged_sha256: string | null;
}

const WAITING = `FROM entry INDEXED BY entry_unsynced WHERE ${UNSYNCED}
    AND (@compressedOnly = 0 OR compression_attempted = 1 OR status = 'failed')`;

export class Syncing {
  readonly #connection: Connection;
  readonly #entries: Entries;
  readonly #shares: Shares;
  readonly #unsynced: Statement<
    [{ compressedOnly: number; after: number; except: string; limit: number }],
    Omit<PictureRow, "captured_at_us">
  >;
  readonly #count: Statement<[{ compressedOnly: number; limit: number }], number>;
  readonly #synced: Statement;
  readonly #removable: Statement<[number], { filename: string; bytes: number; sha256: string }>;
  readonly #moved: Statement;
  readonly #stoodIn: Statement;
  readonly #remotePath: Statement<[number], string>;
  readonly #fileCopied: Statement<[string, number], number>;
  readonly #syncedFile: Statement<[string, string], FileRow>;

  constructor(connection: Connection, entries: Entries, shares: Shares) {
    this.#connection = connection;
    this.#entries = entries;
    this.#shares = shares;
    const { db } = connection;
    this.#unsynced = db.prepare(`
      SELECT id, directory, filename, bytes, sha256 ${WAITING}
        AND id > @after AND id NOT IN (SELECT value FROM json_each(@except)) ORDER BY id LIMIT @limit`);
    this.#count = db
      .prepare<[{ compressedOnly: number; limit: number }], number>(
        `SELECT count(*) FROM (SELECT 1 ${WAITING} LIMIT @limit)`,
      )
      .pluck();
    this.#synced = db.prepare(`
      UPDATE entry SET image_synced = 1, remote_id = @remoteId, remote_path = @remotePath, remote_bytes = @bytes, remote_sha256 = @sha256,
        synced_at_us = @nowUs, sha256 = @sha256, bytes = @bytes
      WHERE id = @entryId AND image_synced = 0 AND local = 1 AND filename = @filename
        AND (sha256 IS NULL OR sha256 = @sha256)`);
    this.#removable = db.prepare(`
      SELECT filename, bytes, sha256 FROM entry WHERE id = ? AND local = 1 AND image_synced = 1 AND directory = '.'
        AND filename IS NOT NULL AND bytes IS NOT NULL AND sha256 IS NOT NULL`);
    this.#remotePath = db
      .prepare<[number], string>(
        "SELECT remote_path FROM entry WHERE id = ? AND image_synced = 1 AND remote_path IS NOT NULL",
      )
      .pluck();
    this.#fileCopied = db
      .prepare<[string, number], number>(`
        SELECT EXISTS (SELECT 1 FROM share CROSS JOIN synced_file USING (remote_id)
          WHERE path = ? AND bytes = ? AND synced_file.synced_at_us > 0 AND staged_sha256 IS NULL)`)
      .pluck();
    this.#syncedFile = db.prepare("SELECT * FROM synced_file WHERE remote_id = ? AND path = ?");
    const moved = `
      UPDATE entry SET local = 0, removed_at_us = @nowUs, missing = 0, directory = @directory, filename = @name
      WHERE id = @entryId AND local = 1 AND image_synced = 1`;
    this.#moved = db.prepare(`${moved} AND directory = '.'`);
    this.#stoodIn = db.prepare(moved);
  }

  /** Returns images that wait to be copied, oldest first. */
  unsynced({ limit, afterEntryId = 0, compressedOnly, except = [] }: UnsyncedQuery): UnsyncedPicture[] {
    const query = {
      limit,
      after: afterEntryId,
      compressedOnly: compressedOnly ? 1 : 0,
      except: JSON.stringify(except),
    };
    return this.#unsynced.all(query).map(({ id, directory, filename, bytes, sha256 }) => ({
      entryId: id,
      filename,
      filepath: this.#entries.absoluteDirectory(directory),
      bytes: bytes ?? undefined,
      sha256: sha256 ?? undefined,
    }));
  }

  /** Counts the waiting images, up to `limit`. */
  countUnsynced(limit: number, compressedOnly: boolean): number {
    return this.#count.get({ limit, compressedOnly: compressedOnly ? 1 : 0 }) ?? 0;
  }

  /**
   * Records a verified copy. Returns false, with nothing changed, if the entry no longer is what was copied: archived,
   * compressed, renamed, or of different content.
   */
  markSynced(copy: PictureCopy, nowUs: number): boolean {
    return this.#connection.write(() => this.#synced.run({ ...copy, nowUs }).changes === 1);
  }

  /**
   * Returns the local file of a synced image if it may be removed: it is in the manifest's own directory, its name is that of an
   * image, its size and hash are recorded, and the copy exists and belongs to no other entry. Imported images elsewhere belong to
   * another program and stay.
   */
  removableFile(entryId: number, remoteFile: string): OwnFile | undefined {
    const row = this.#removable.get(entryId);
    if (row === undefined || pictureNameProblem(row.filename) !== undefined) return undefined;
    if (this.#entries.knowsFile(basename(remoteFile), dirname(remoteFile))) return undefined;
    return { directory: this.#connection.directory, ...row };
  }

  /**
   * Called after the local file was removed: the row names the copy from now on. Returns false if this does not apply any more.
   */
  markMoved(entryId: number, remoteFile: string, nowUs: number): boolean {
    const directory = dirname(remoteFile);
    const name = basename(remoteFile);
    return this.#connection.write(() => this.#moved.run({ entryId, directory, name, nowUs }).changes === 1);
  }

  /**
   * Queues own images that were copied to this share and are still here to be copied again: the existing copy is verified, then
   * the local file is removed. Returns how many.
   */
  takeUpMoves(remoteId: string): number {
    return this.#connection.write(
      () =>
        this.#connection.db
          .prepare(`
            UPDATE entry INDEXED BY entry_local SET image_synced = 0
            WHERE local = 1 AND missing = 0 AND filename IS NOT NULL AND damaged = 0 AND image_synced = 1 AND remote_id = ?
              AND directory = '.'`)
          .run(remoteId).changes,
    );
  }

  /** Makes the copy the image of an entry if the local file is gone. Call within a transaction. */
  standIn(entryId: number, nowUs: number): boolean {
    const remote = this.#shares.current();
    const remotePath = this.#remotePath.get(entryId);
    if (remote === undefined || remotePath === undefined || !isPlainPath(remotePath)) return false;
    const file = join(remote.root, remotePath);
    if (this.#entries.knowsFile(basename(file), dirname(file))) return false;
    return this.#stoodIn.run({ entryId, directory: dirname(file), name: basename(file), nowUs }).changes === 1;
  }

  /** Returns the copy of an auxiliary file on one share. */
  syncedFile(remoteId: string, path: string): SyncedFile | undefined {
    const row = this.#syncedFile.get(remoteId, path);
    if (row === undefined) return undefined;
    const { remote_id, modified_at_us, remote_path, synced_at_us, staged_sha256, ...rest } = row;
    return {
      ...rest,
      remoteId: remote_id,
      modifiedAtUs: modified_at_us,
      remotePath: remote_path,
      syncedAtUs: synced_at_us,
      stagedSha256: staged_sha256 ?? undefined,
    };
  }

  /** Whether a verified copy of an auxiliary file, with this size in bytes, is on any share. */
  fileCopied(path: string, bytes: number): boolean {
    return this.#fileCopied.get(path, bytes) === 1;
  }

  /** Records, before it happens, that `staged` (a SHA-256) will replace `standing` on the remote. */
  stageFile({
    standing,
    ...file
  }: Pick<SyncedFile, "remoteId" | "path" | "remotePath"> & {
    readonly staged: string;
    readonly standing: string | undefined;
  }): void {
    this.#connection.write(() =>
      this.#connection.db
        .prepare(`
          INSERT INTO synced_file VALUES (@remoteId, @path, 0, 0, coalesce(@standing, ''), @remotePath, 0, @staged)
          ON CONFLICT (remote_id, path) DO UPDATE SET sha256 = coalesce(@standing, sha256), staged_sha256 = @staged,
            remote_path = @remotePath, modified_at_us = 0`)
        .run({ ...file, standing: standing ?? null }),
    );
  }

  /** Records the verified copy of an auxiliary file. */
  fileSynced(file: Omit<SyncedFile, "stagedSha256">): void {
    this.#connection.write(() =>
      this.#connection.db
        .prepare(
          `INSERT OR REPLACE INTO synced_file
           VALUES (@remoteId, @path, @bytes, @modifiedAtUs, @sha256, @remotePath, @syncedAtUs, NULL)`,
        )
        .run(file),
    );
  }
}
