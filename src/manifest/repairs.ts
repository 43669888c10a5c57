// Repairs: what a check of the files may put right in the rows. Nothing here deletes a picture's row, and a size or hash once
// recorded is never replaced.
import type { SyncedFile } from "./checks.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { OF_FILE } from "./page-rows.ts";

/** What earlier versions stored as the error of a damaged picture; stored sentences do not change. */
const FORMERLY_DAMAGED = "the picture differs from what was captured";

/** A flag of the file, which only the entry that carries the file has; its further pages keep theirs. */
function ofFile(flag: "missing" | "damaged", value: 0 | 1): string {
  return `iif(file_entry_id IS NULL, ${value}, ${flag})`;
}

/** Changes a file check may make. What is found of a file applies to every frame in it. */
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
      `UPDATE entry SET damaged = ${ofFile("damaged", 1)}, processed_at_us = iif(status = 'pending', @nowUs, processed_at_us),
         error_code = iif(status = 'pending', 'file.changed', error_code),
         error = iif(status = 'pending', 'the image differs from what was captured', error),
         status = iif(status = 'pending', 'failed', status)
       WHERE ${OF_FILE}`,
      { entryId, nowUs },
    );
  }

  /**
   * The picture is what was recorded of it, after all; it is measured if the damage was why it was not. Earlier versions set a
   * damaged picture aside as `frame.unreadable`, with a sentence of their own; one that failed when it was measured had been
   * claimed and has another sentence.
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

  /** The picture is gone from here. A frame still to be measured failed with it. */
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

  /** The row names something that is never opened: it is set aside without opening it. `reason` completes "the picture ...". */
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

  /** A picture that was missing is there again; it is measured if its absence was why it was not. */
  markReturned(entryId: number): void {
    this.#run(
      `UPDATE entry SET missing = ${ofFile("missing", 0)}, attempts = iif(error_code = 'frame.missing', 0, attempts),
         status = iif(error_code = 'frame.missing' AND status = 'failed', 'pending', status)
       WHERE ${OF_FILE}`,
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

  /** A file that is not a picture is copied to the share again. */
  forgetSynced({ remoteId, path }: Pick<SyncedFile, "remoteId" | "path">): void {
    this.#run("DELETE FROM synced_file WHERE remote_id = @remoteId AND path = @path", { remoteId, path });
  }

  /** Releases claims of processes that ended; returns how many went back to the queue. */
  releaseClaims(): number {
    return this.#run("UPDATE entry SET status = 'pending' WHERE status = 'processing'", {});
  }

  #run(sql: string, values: Record<string, string | number>): number {
    return this.#connection.write(() => this.#connection.db.prepare(sql).run(values).changes);
  }
}
