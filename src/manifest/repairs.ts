// Repairs: what a check of the files may correct in the rows. Nothing here deletes the row of an image, and a recorded size or
// hash is never replaced.
import type { SyncedFile } from "./checks.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { OF_FILE } from "./page-rows.ts";

/** The error text that earlier versions stored for a damaged image. Stored texts are not migrated. */
const FORMERLY_DAMAGED = "the picture differs from what was captured";

/** Sets a flag of the file on the entry that carries the file; the entries of further pages keep theirs. */
function ofFile(flag: "missing" | "damaged", value: 0 | 1): string {
  return `iif(file_entry_id IS NULL, ${value}, ${flag})`;
}

/** Changes that a file check may make. What is found about a file applies to every frame in it. */
export class Repairs {
  readonly #connection: Connection;
  readonly #entries: Entries;

  constructor(connection: Connection, entries: Entries) {
    this.#connection = connection;
    this.#entries = entries;
  }

  /** Records size and hash if they were unknown; recorded values stay. */
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

  /**
   * Marks the image as different from what was recorded. A frame still to be measured is set aside, because its values would be
   * wrong.
   */
  markDamaged(entryId: number, nowUs: number): void {
    this.#run(
      `UPDATE entry SET damaged = ${ofFile("damaged", 1)}, processed_at_us = iif(status = 'pending', @nowUs, processed_at_us),
         error_code = iif(status = 'pending', 'file.changed', error_code),
         error = iif(status = 'pending', 'the image differs from what was captured', error),
         status = iif(status = 'pending', 'failed', status)
       WHERE ${OF_FILE}`,
      { entryId, nowUs },
    );
  }

  /**
   * Marks the image as identical to what was recorded; it is measured if only the damage prevented that. Earlier versions set a
   * damaged image aside as `frame.unreadable`, with their own error text; a frame that failed during measurement had been claimed
   * and has another text.
   */
  markSound(entryId: number): void {
    this.#run(
      `UPDATE entry SET damaged = ${ofFile("damaged", 0)},
         status = iif(status = 'failed' AND (error_code = 'file.changed' OR error_code = 'frame.unreadable'
           AND (attempts = 0 OR error = @formerly)), 'pending', status)
       WHERE ${OF_FILE}`,
      { entryId, formerly: FORMERLY_DAMAGED },
    );
  }

  /** Marks the image as missing from this machine. A frame still to be measured fails. */
  markMissing(entryId: number, nowUs: number): void {
    this.#run(
      `UPDATE entry SET missing = ${ofFile("missing", 1)}, processed_at_us = iif(status = 'pending', @nowUs, processed_at_us),
         error_code = iif(status = 'pending', 'frame.missing', error_code),
         error = iif(status = 'pending', 'the image is missing', error),
         status = iif(status = 'pending', 'failed', status)
       WHERE ${OF_FILE}`,
      { entryId, nowUs },
    );
  }

  /**
   * Sets aside a row that names something that must never be opened, without opening it. `reason` completes "the picture ...".
   */
  refuse(entryId: number, reason: string, nowUs: number): void {
    this.#run(
      `UPDATE entry SET missing = ${ofFile("missing", 1)}, processed_at_us = iif(status IN ('pending', 'processing'), @nowUs, processed_at_us),
         error_code = iif(status IN ('pending', 'processing'), 'file.refused', error_code),
         error = iif(status IN ('pending', 'processing'), @reason, error),
         status = iif(status IN ('pending', 'processing'), 'failed', status)
       WHERE ${OF_FILE}`,
      { entryId, reason, nowUs },
    );
  }

  /** Marks a missing image as found; it is measured if only its absence prevented that. */
  markReturned(entryId: number): void {
    this.#run(
      `UPDATE entry SET missing = ${ofFile("missing", 0)}, attempts = iif(error_code = 'frame.missing', 0, attempts),
         status = iif(error_code = 'frame.missing' AND status = 'failed', 'pending', status)
       WHERE ${OF_FILE}`,
      { entryId },
    );
  }

  /** Records that there is no good copy on the share: the next sync copies the image again. */
  unsync(entryId: number): void {
    this.#run("UPDATE entry SET image_synced = 0, synced_at_us = NULL WHERE id = @entryId", { entryId });
  }

  /**
   * Records that the only copy is the one on the share, whose content counts from now on. Returns false, with nothing changed, if
   * that file belongs to another entry.
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

  /** Lets an auxiliary file be copied to the share again. */
  forgetSynced({ remoteId, path }: Pick<SyncedFile, "remoteId" | "path">): void {
    this.#run("DELETE FROM synced_file WHERE remote_id = @remoteId AND path = @path", { remoteId, path });
  }

  /** Releases claims of processes that ended; returns how many entries returned to the queue. */
  releaseClaims(): number {
    return this.#run("UPDATE entry SET status = 'pending' WHERE status = 'processing'", {});
  }

  #run(sql: string, values: Record<string, string | number>): number {
    return this.#connection.write(() => this.#connection.db.prepare(sql).run(values).changes);
  }
}
