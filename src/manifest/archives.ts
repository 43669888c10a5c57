// Archives: which finished frames may be moved out of the live tables, and records of those that were. The order is always: copy,
// verify, record here, then delete. After a crash a row may exist twice, but it is never lost.
import type { Connection } from "./connection.ts";
import { ANALYSES_OF_ENTRY, type ArchivedEntry } from "./contents.ts";
import type { Entries } from "./entries.ts";
import { JOIN_FILE } from "./page-rows.ts";
import { blockOf } from "./results.ts";

/** A part of the finished history that was moved out, or is being moved. */
export interface Archive {
  readonly archiveId: number;
  /** Relative to the backup directory. */
  readonly path: string;
  /** SHA-256 of its database, as compressed there. */
  readonly sha256: string;
  readonly entries: number;
  readonly firstCapturedAtUs: number;
  readonly lastCapturedAtUs: number;
  /** When all its entries had left the live tables; undefined while some may still be live. */
  readonly movedAtUs: number | undefined;
}

export type NewArchive = Omit<Archive, "archiveId" | "movedAtUs">;

export interface FinishedEntry extends ArchivedEntry {
  readonly capturedAtUs: number;
  /** undefined for a frame without an image file. */
  readonly filename: string | undefined;
  /** Directory, absolute. */
  readonly filepath: string | undefined;
}

export interface FinishedQuery {
  /** Only entries captured before this time, µs. */
  readonly beforeUs: number;
  readonly limit: number;
  /** Whether images must have a verified copy on the share before their entries may be archived. */
  readonly syncing: boolean;
}

/**
 * SQL condition for a finished entry `e`: measured or failed for good, passed by every output, and without a local image that a
 * stage still has to handle. `f` is the entry that carries the file if `e` is a further page of it.
 */
const FINISHED = `
  e.status IN ('processed', 'failed')
  AND (coalesce(f.filename, e.filename) IS NULL OR (coalesce(f.local, e.local) = 0 AND coalesce(f.missing, e.missing) = 0
    AND (coalesce(f.image_synced, e.image_synced) = 1 OR NOT @syncing)))
  AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.entry_id = e.id AND o.id > (SELECT cursor FROM delivery))`;
/** SQL condition: all pages of the file of `e` are finished too. */
const WHOLE_FILE = `e.file_entry_id IS NULL AND e.pages_unsettled = 0 AND NOT EXISTS (
  SELECT 1 FROM entry p JOIN outcome o ON o.entry_id = p.id
  WHERE p.file_entry_id = e.id AND o.id > (SELECT cursor FROM delivery))`;
const OUTCOMES = "(SELECT json_group_array(o.id ORDER BY o.id) FROM outcome o WHERE o.entry_id = e.id) AS outcomes";

interface FinishedRow {
  id: number;
  captured_at_us: number;
  directory: string | null;
  filename: string | null;
  page: number | null;
  outcomes: string;
}

interface ArchiveRow extends Omit<Archive, "movedAtUs"> {
  movedAtUs: number | null;
}

export class Archives {
  readonly #connection: Connection;
  readonly #entries: Entries;

  constructor(connection: Connection, entries: Entries) {
    this.#connection = connection;
    this.#entries = entries;
  }

  /**
   * Returns entries that may be archived, oldest capture first; the further pages of a file follow its first. The result exceeds
   * `limit` only by the pages of the last file, which are archived together.
   */
  finishedEntries({ beforeUs, limit, syncing }: FinishedQuery): FinishedEntry[] {
    const { db } = this.#connection;
    const files = db.prepare<[{ beforeUs: number; limit: number; syncing: number }], FinishedRow>(`
      SELECT e.id, e.captured_at_us, e.directory, e.filename, e.page, ${OUTCOMES}
      FROM entry e ${JOIN_FILE} WHERE e.captured_at_us < @beforeUs AND ${WHOLE_FILE} AND ${FINISHED}
      ORDER BY e.captured_at_us, e.id LIMIT @limit`);
    const pagesOf = db.prepare<[number], FinishedRow>(`
      SELECT e.id, e.captured_at_us, f.directory, f.filename, e.page, ${OUTCOMES}
      FROM entry e ${JOIN_FILE} WHERE e.file_entry_id = ? ORDER BY e.page`);
    const found: FinishedRow[] = [];
    for (const file of files.iterate({ beforeUs, limit, syncing: syncing ? 1 : 0 })) {
      if (found.length >= limit) break;
      found.push(file);
      if (file.page !== null) found.push(...pagesOf.all(file.id));
    }
    return found.map((row) => ({
      entryId: row.id,
      outcomeIds: JSON.parse(row.outcomes),
      capturedAtUs: row.captured_at_us,
      filename: row.filename ?? undefined,
      filepath: row.directory === null ? undefined : this.#entries.absoluteDirectory(row.directory),
    }));
  }

  /** Returns all archives, oldest first. */
  all(): Archive[] {
    return this.#connection.db
      .prepare<[], ArchiveRow>(`
        SELECT id AS archiveId, path, sha256, entries, first_captured_at_us AS firstCapturedAtUs,
          last_captured_at_us AS lastCapturedAtUs, moved_at_us AS movedAtUs FROM archive ORDER BY id`)
      .all()
      .map((row) => ({ ...row, movedAtUs: row.movedAtUs ?? undefined }));
  }

  /** Returns the id of the last complete archive; 0 before the first. The CSV is rewritten when it changes. */
  last(): number {
    return (
      this.#connection.db
        .prepare<[], number | null>("SELECT max(id) FROM archive WHERE moved_at_us IS NOT NULL")
        .pluck()
        .get() ?? 0
    );
  }

  /**
   * Records an archive that is durable and verified, before anything is deleted from the live tables. Returns its id; the
   * existing id if it was recorded before.
   */
  add(archive: NewArchive, nowUs: number): number {
    const { db } = this.#connection;
    return this.#connection.write(() => {
      const known = db.prepare<[string], number>("SELECT id FROM archive WHERE path = ?").pluck().get(archive.path);
      if (known !== undefined) return known;
      const { lastInsertRowid } = db
        .prepare(`
          INSERT INTO archive (path, made_at_us, sha256, entries, first_captured_at_us, last_captured_at_us)
          VALUES (@path, @nowUs, @sha256, @entries, @firstCapturedAtUs, @lastCapturedAtUs)`)
        .run({ ...archive, nowUs });
      return Number(lastInsertRowid);
    });
  }

  /**
   * Deletes those entries of `archived` that are unchanged since they were archived and may still be deleted, in one transaction.
   * Returns how many. An entry that got another outcome or was queued again stays live, and so does the entry of its file.
   * Deletes from last to first, so that the pages of a file go before the entry that carries it.
   */
  drop(archiveId: number, archived: readonly ArchivedEntry[], syncing: boolean): number {
    const { db } = this.#connection;
    const current = db
      .prepare<[{ id: number; syncing: number }], string>(`
        SELECT (SELECT json_group_array(o.id ORDER BY o.id) FROM outcome o WHERE o.entry_id = e.id)
        FROM entry e ${JOIN_FILE} WHERE e.id = @id AND ${FINISHED}
          AND NOT EXISTS (SELECT 1 FROM entry p WHERE p.file_entry_id = e.id)`)
      .pluck();
    const keepName = db.prepare(`
      INSERT INTO archived_file SELECT directory, filename, ? FROM entry WHERE id = ? AND filename IS NOT NULL
      ON CONFLICT (directory, filename) DO NOTHING`);
    const analysesOf = db.prepare<[{ id: number }], number>(ANALYSES_OF_ENTRY).pluck();
    const dropResults = db.prepare(`
      DELETE FROM result WHERE analysis_id = ? AND block = ? AND entry_id IN (SELECT value FROM json_each(?))`);
    const dropOutcomes = db.prepare("DELETE FROM outcome WHERE entry_id = ?");
    const dropEntry = db.prepare("DELETE FROM entry WHERE id = ?");
    return this.#connection.write(() => {
      // The results of 16 frames are stored together: those of a block are deleted in one statement.
      const blocks = new Map<string, { analysis: number; block: number; entryIds: number[] }>();
      let dropped = 0;
      for (const { entryId, outcomeIds } of archived.toReversed()) {
        if (current.get({ id: entryId, syncing: syncing ? 1 : 0 }) !== JSON.stringify(outcomeIds)) continue;
        const block = blockOf(entryId);
        for (const analysis of analysesOf.all({ id: entryId })) {
          const key = `${analysis} ${block}`;
          const group = blocks.get(key) ?? { analysis, block, entryIds: [] };
          group.entryIds.push(entryId);
          blocks.set(key, group);
        }
        keepName.run(archiveId, entryId);
        dropOutcomes.run(entryId);
        dropEntry.run(entryId);
        dropped += 1;
      }
      for (const { analysis, block, entryIds } of blocks.values()) {
        dropResults.run(analysis, block, JSON.stringify(entryIds));
      }
      return dropped;
    });
  }

  /** Records that everything that can be deleted from the live tables has been deleted. */
  finish(archiveId: number, nowUs: number): void {
    this.#connection.write(() =>
      this.#connection.db.prepare("UPDATE archive SET moved_at_us = ? WHERE id = ?").run(nowUs, archiveId),
    );
  }

  /** Deletes the records of all archives, because their entries are live again. */
  forgetAll(): void {
    this.#connection.write(() => this.#connection.db.exec("DELETE FROM archived_file; DELETE FROM archive;"));
  }
}
