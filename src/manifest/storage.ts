// Where the images are: which ones wait for compression, which ones the ring buffer may remove, and records of each step. Every
// query uses a partial index or a counter, so its cost does not grow with the history.
import { basename, dirname, join } from "node:path";
import { isPlainPath } from "../system/file-name.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { REMOVABLE, REMOVABLE_COPIED, UNCOMPRESSED } from "./page-schema.ts";
import { OWN } from "./removal-schema.ts";

/** An image on this machine. */
export interface LocalPicture {
  readonly entryId: number;
  readonly filename: string;
  /** Directory, absolute. */
  readonly filepath: string;
  /** Whether it is in the manifest's own directory: only then may it be compressed or removed. */
  readonly own: boolean;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly capturedAtUs: number;
}

/** An image file after compression, and its original content. */
export interface CompressedFile {
  readonly filename: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly originalBytes: number;
  readonly originalSha256: string;
}

/** Means over the last frames. */
export interface FrameSizes {
  readonly framesPerSecond: number;
  /** Time from the first to the last of these frames. */
  readonly spanSeconds: number;
  readonly pictureBytes: number;
  /** Size of a frame in the database, bytes. */
  readonly rowBytes: number;
}

/** Why the ring buffer must keep an image. */
export type Obstacle =
  | "not measured yet"
  | "not in every report yet"
  | "not copied to the share yet"
  | "it could not be measured and has no verified copy"
  | "it is damaged";

interface ObstacleRow {
  filename: string;
  status: string;
  measured: number;
  transmitted: number;
  copied: number;
  damaged: number;
  /** Number of its further pages that are not settled. */
  unsettled: number;
  unreported: number;
  unmeasured: number;
}

/** The place and content of an image. */
export interface PictureRow {
  id: number;
  directory: string;
  filename: string;
  bytes: number | null;
  sha256: string | null;
  captured_at_us: number;
}

/** Number of frames from which the growth of the data is estimated. */
const FRAMES_LOOKED_AT = 500;
const COLUMNS = "id, directory, filename, bytes, sha256, captured_at_us";

export class Storage {
  readonly #connection: Connection;
  readonly #entries: Entries;

  constructor(connection: Connection, entries: Entries) {
    this.#connection = connection;
    this.#entries = entries;
  }

  /** Returns up to `limit` measured images that compression has not tried yet, oldest first. */
  uncompressed(limit: number): LocalPicture[] {
    return this.#pictures(
      `SELECT ${COLUMNS} FROM entry INDEXED BY entry_uncompressed
       WHERE ${UNCOMPRESSED} AND removed_at_us IS NULL ORDER BY id LIMIT ?`,
      limit,
    );
  }

  /** Records the new file of an image. Returns false, with nothing changed, if the row has changed in the meantime. */
  settleCompressed(entryId: number, file: CompressedFile): boolean {
    const changed = this.#connection.write(() =>
      this.#connection.db
        .prepare(`
          UPDATE entry SET compression_attempted = 1, filename = @filename, bytes = @bytes, sha256 = @sha256,
            original_bytes = @originalBytes, original_sha256 = @originalSha256
          WHERE id = @entryId AND local = 1`)
        .run({ entryId, ...file }),
    );
    return changed.changes === 1;
  }

  /** Records that the image stays uncompressed, and the size and hash of an adopted image if it has none. */
  settleUncompressed(entryId: number, found?: { readonly bytes: number; readonly sha256: string }): void {
    this.#connection.write(() =>
      this.#connection.db
        .prepare(`
          UPDATE entry SET compression_attempted = 1, bytes = coalesce(bytes, @bytes), sha256 = coalesce(sha256, @sha256)
          WHERE id = @entryId`)
        .run({ entryId, bytes: found?.bytes ?? null, sha256: found?.sha256 ?? null }),
    );
  }

  /**
   * Returns up to `limit` images that may be removed from this machine, in the order in which they were stored, which does not
   * depend on the clock. `synced`: only those with a recorded verified copy on the share; otherwise also those that were measured
   * and reported.
   */
  removable(limit: number, synced: boolean): LocalPicture[] {
    const [index, which] = synced ? ["entry_removable_copied", REMOVABLE_COPIED] : ["entry_removable", REMOVABLE];
    return this.#pictures(`SELECT ${COLUMNS} FROM entry INDEXED BY ${index} WHERE ${which} ORDER BY id LIMIT ?`, limit);
  }

  /** Returns the mean sizes of the last frames of a run; undefined before two were captured. */
  frameSizes(): FrameSizes | undefined {
    const { db } = this.#connection;
    const row = db
      .prepare<[number], { frames: number; bytes: number; spanUs: number; total: number }>(`
        SELECT count(*) AS frames, coalesce(sum(bytes), 0) AS bytes, max(captured_at_us) - min(captured_at_us) AS spanUs,
          (SELECT pending + processing + processed + failed FROM counter) AS total
        FROM (SELECT bytes, captured_at_us FROM entry ORDER BY id DESC LIMIT ?)`)
      .get(FRAMES_LOOKED_AT);
    if (row === undefined || row.frames < 2 || row.spanUs <= 0) return undefined;
    const pages = Number(db.pragma("page_count", { simple: true })) * Number(db.pragma("page_size", { simple: true }));
    return {
      framesPerSecond: ((row.frames - 1) * 1e6) / row.spanUs,
      spanSeconds: row.spanUs / 1e6,
      pictureBytes: row.bytes / row.frames,
      rowBytes: pages / row.total,
    };
  }

  /** Records, before any file is touched, that these images are being removed. */
  beginRemoval(entryIds: readonly number[], nowUs: number): void {
    const mark = this.#connection.db.prepare("UPDATE entry SET removed_at_us = ? WHERE id = ? AND local = 1");
    this.#connection.write(() => {
      for (const id of entryIds) mark.run(nowUs, id);
    });
  }

  /**
   * Records that the files of `entryIds` are gone from this machine; those of `kept` could not be removed and stay. A row with a
   * copy on the share names the copy from now on.
   */
  endRemoval(entryIds: readonly number[], remoteRoot: string | undefined, kept: readonly number[] = []): void {
    const { db } = this.#connection;
    const away = db.prepare("UPDATE entry SET local = 0 WHERE id = ?");
    const moved = db.prepare("UPDATE entry SET local = 0, directory = ?, filename = ? WHERE id = ?");
    const stays = db.prepare("UPDATE entry SET removed_at_us = NULL WHERE id = ?");
    const remote = db
      .prepare<[number], string | null>("SELECT remote_path FROM entry WHERE id = ? AND image_synced = 1")
      .pluck();
    this.#connection.write(() => {
      for (const id of entryIds) {
        const path = remote.get(id);
        if (typeof path !== "string" || remoteRoot === undefined || !isPlainPath(path)) away.run(id);
        else {
          const file = join(remoteRoot, path);
          moved.run(this.#entries.storedDirectory(dirname(file)), basename(file), id);
        }
      }
      for (const id of kept) stays.run(id);
    });
  }

  /** Returns the images of these entries. */
  named(entryIds: readonly number[]): LocalPicture[] {
    return entryIds.flatMap((id) => this.#pictures(`SELECT ${COLUMNS} FROM entry WHERE id = ?`, id));
  }

  /** Returns the hash of the image before compression, if known. */
  originalSha256(entryId: number): string | undefined {
    const sha256 = this.#connection.db
      .prepare<[number], string | null>("SELECT original_sha256 FROM entry WHERE id = ?")
      .pluck()
      .get(entryId);
    return sha256 ?? undefined;
  }

  /** Returns removals that a crash interrupted: recorded as started, but not as done. */
  unfinishedRemovals(): LocalPicture[] {
    return this.#pictures(
      `SELECT ${COLUMNS} FROM entry INDEXED BY entry_removing WHERE local = 1 AND removed_at_us IS NOT NULL LIMIT ?`,
      -1,
    );
  }

  /** Returns the oldest image that may not be removed, and why; undefined if there is none. */
  obstacle(synced: boolean): { readonly filename: string; readonly why: Obstacle } | undefined {
    const row = this.#connection.db
      .prepare<[], ObstacleRow>(`
        SELECT filename, status, measured, damaged, data_transmitted AS transmitted,
          pages_unsettled AS unsettled, pages_unreported AS unreported, pages_unmeasured AS unmeasured,
          image_synced = 1 AND remote_sha256 IS NOT NULL AS copied
        FROM entry INDEXED BY entry_own WHERE ${OWN} ORDER BY id LIMIT 1`)
      .get();
    if (row === undefined) return undefined;
    const { filename, status, measured, transmitted, copied, damaged, unsettled, unreported, unmeasured } = row;
    if (status === "pending" || status === "processing" || unsettled > 0) return { filename, why: "not measured yet" };
    if ((status === "processed" && transmitted === 0) || unreported > 0)
      return { filename, why: "not in every report yet" };
    if (copied === 1) return undefined;
    // A damaged image is not copied, so it stays.
    if (damaged === 1) return { filename, why: "it is damaged" };
    if (synced) return { filename, why: "not copied to the share yet" };
    return measured === 1 && unmeasured === 0
      ? undefined
      : { filename, why: "it could not be measured and has no verified copy" };
  }

  #pictures(sql: string, parameter: number): LocalPicture[] {
    return this.#connection.db
      .prepare<[number], PictureRow>(sql)
      .all(parameter)
      .map((row) => ({
        entryId: row.id,
        filename: row.filename,
        filepath: this.#entries.absoluteDirectory(row.directory),
        own: row.directory === ".",
        bytes: row.bytes ?? undefined,
        sha256: row.sha256 ?? undefined,
        capturedAtUs: row.captured_at_us,
      }));
  }
}
