// Finished history on its way out of the live tables: what may go, its copy in another manifest, and the rows of those
// that went. The order is always: copied, proved, noted here, then deleted; so a death leaves a row twice and never lost.
import Database from "better-sqlite3";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { blockOf } from "./results.ts";
import { BLOCK_BITS } from "./schema.ts";

/** A piece of finished history that was moved out, or is being moved. */
export interface Archive {
  readonly archiveId: number;
  /** Relative to the backup directory. */
  readonly path: string;
  /** Of its database, compressed as it lies there. */
  readonly sha256: string;
  readonly entries: number;
  readonly firstCapturedAtUs: number;
  readonly lastCapturedAtUs: number;
  /** undefined while some of its entries may still be live. */
  readonly movedAtUs: number | undefined;
}

export type NewArchive = Omit<Archive, "archiveId" | "movedAtUs">;

/** An entry and the outcomes that belong to it: what an archive holds of it. */
export interface ArchivedEntry {
  readonly entryId: number;
  /** Ascending. */
  readonly outcomeIds: readonly number[];
}

export interface FinishedEntry extends ArchivedEntry {
  readonly capturedAtUs: number;
  /** undefined for a frame without a picture. */
  readonly filename: string | undefined;
  /** Directory, absolute. */
  readonly filepath: string | undefined;
}

export interface FinishedQuery {
  /** Captured before this, µs. */
  readonly beforeUs: number;
  readonly limit: number;
  /** Whether pictures must have a verified copy on the share before they may go. */
  readonly syncing: boolean;
}

/** Measured or failed for good, passed by every output, and without a picture here that anybody still has to look after. */
const FINISHED = `
  e.status IN ('processed', 'failed')
  AND (e.filename IS NULL OR (e.local = 0 AND e.missing = 0 AND (e.image_synced = 1 OR NOT @syncing)))
  AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.entry_id = e.id AND o.id > (SELECT cursor FROM delivery))`;

/** Entries that may move out, oldest capture first. */
export function finishedEntries(
  { db }: Connection,
  entries: Entries,
  { beforeUs, limit, syncing }: FinishedQuery,
): FinishedEntry[] {
  const rows = db
    .prepare<
      [{ beforeUs: number; limit: number; syncing: number }],
      { id: number; captured_at_us: number; directory: string | null; filename: string | null; outcomes: string }
    >(`
      SELECT e.id, e.captured_at_us, e.directory, e.filename,
        (SELECT json_group_array(o.id ORDER BY o.id) FROM outcome o WHERE o.entry_id = e.id) AS outcomes
      FROM entry e WHERE e.captured_at_us < @beforeUs AND ${FINISHED} ORDER BY e.captured_at_us, e.id LIMIT @limit`)
    .all({ beforeUs, limit, syncing: syncing ? 1 : 0 });
  return rows.map((row) => ({
    entryId: row.id,
    outcomeIds: JSON.parse(row.outcomes),
    capturedAtUs: row.captured_at_us,
    filename: row.filename ?? undefined,
    filepath: row.directory === null ? undefined : entries.absoluteDirectory(row.directory),
  }));
}

interface ArchiveRow extends Omit<Archive, "movedAtUs"> {
  movedAtUs: number | null;
}

/** All archives, oldest first. */
export function archives({ db }: Connection): Archive[] {
  return db
    .prepare<[], ArchiveRow>(`
      SELECT id AS archiveId, path, sha256, entries, first_captured_at_us AS firstCapturedAtUs,
        last_captured_at_us AS lastCapturedAtUs, moved_at_us AS movedAtUs FROM archive ORDER BY id`)
    .all()
    .map((row) => ({ ...row, movedAtUs: row.movedAtUs ?? undefined }));
}

/** Notes an archive that is durable and proved; nothing has left the live tables yet. Returns the one it has already. */
export function addArchive(connection: Connection, archive: NewArchive, nowUs: number): number {
  const { db } = connection;
  return connection.write(() => {
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
 * Deletes, in one transaction, those of `archived` that still are as the archive has them and still may go; returns how
 * many. One that got another outcome since, or is wanted again, stays live.
 */
export function dropArchived(
  connection: Connection,
  archiveId: number,
  archived: readonly ArchivedEntry[],
  syncing: boolean,
): number {
  const { db } = connection;
  const current = db
    .prepare<[{ id: number; syncing: number }], string>(`
      SELECT (SELECT json_group_array(o.id ORDER BY o.id) FROM outcome o WHERE o.entry_id = e.id)
      FROM entry e WHERE e.id = @id AND ${FINISHED}`)
    .pluck();
  const keepName = db.prepare(`
    INSERT INTO archived_file SELECT directory, filename, ? FROM entry WHERE id = ? AND filename IS NOT NULL
    ON CONFLICT (directory, filename) DO NOTHING`);
  const analysesOf = db.prepare<[{ id: number }], number>(ANALYSES_OF_ENTRY).pluck();
  const dropResults = db.prepare(`
    DELETE FROM result WHERE analysis_id = ? AND block = ? AND entry_id IN (SELECT value FROM json_each(?))`);
  const dropOutcomes = db.prepare("DELETE FROM outcome WHERE entry_id = ?");
  const dropEntry = db.prepare("DELETE FROM entry WHERE id = ?");
  return connection.write(() => {
    const going = archived.filter(
      ({ entryId, outcomeIds }) =>
        current.get({ id: entryId, syncing: syncing ? 1 : 0 }) === JSON.stringify(outcomeIds),
    );
    // The results of 16 frames lie together: a block's are dropped in one go.
    const blocks = new Map<string, { analysis: number; block: number; entryIds: number[] }>();
    for (const { entryId } of going) {
      const block = blockOf(entryId);
      for (const analysis of analysesOf.all({ id: entryId })) {
        const key = `${analysis} ${block}`;
        const group = blocks.get(key) ?? { analysis, block, entryIds: [] };
        group.entryIds.push(entryId);
        blocks.set(key, group);
      }
    }
    for (const { analysis, block, entryIds } of blocks.values()) {
      dropResults.run(analysis, block, JSON.stringify(entryIds));
    }
    for (const { entryId } of going) {
      keepName.run(archiveId, entryId);
      dropOutcomes.run(entryId);
      dropEntry.run(entryId);
    }
    return going.length;
  });
}

/** Notes that everything that could leave the live tables has left them. */
export function finishArchive(connection: Connection, archiveId: number, nowUs: number): void {
  connection.write(() =>
    connection.db.prepare("UPDATE archive SET moved_at_us = ? WHERE id = ?").run(nowUs, archiveId),
  );
}

/** The last archive that is complete; 0 before the first. The CSV is written anew when it changes. */
export function lastArchive({ db }: Connection): number {
  return db.prepare<[], number | null>("SELECT max(id) FROM archive WHERE moved_at_us IS NOT NULL").pluck().get() ?? 0;
}

/** Forgets all archives: their entries are live again. */
export function forgetArchives(connection: Connection): void {
  connection.write(() => connection.db.exec("DELETE FROM archived_file; DELETE FROM archive;"));
}

/** What entries refer to: copied whole, for it is little. */
const CONTEXT = [
  "roi_manifest",
  "roi",
  "run",
  "analysis",
  "drift_reference",
  "tracking_reference",
  "chosen_line",
  "companion",
] as const;
/** The analyses that measured an entry: those of its outcomes, and the trackings carried beside them. */
const ANALYSES_OF_ENTRY = `SELECT analysis_id FROM outcome WHERE entry_id = @id
  UNION SELECT c.tracking_id FROM outcome o JOIN companion c USING (analysis_id) WHERE o.entry_id = @id`;

/** What belongs to an entry, and how it is found. */
const BELONGINGS: Readonly<Record<string, string>> = {
  entry: "id = @id",
  reading: "entry_id = @id",
  outcome: "entry_id = @id",
  detail: "outcome_id IN (SELECT id FROM outcome WHERE entry_id = @id)",
  displacement: "outcome_id IN (SELECT id FROM outcome WHERE entry_id = @id)",
  result: `analysis_id IN (${ANALYSES_OF_ENTRY}) AND block = @id >> ${BLOCK_BITS} AND entry_id = @id`,
};

/** Copies what all entries refer to from one manifest of an experiment to another. */
export function copyContext(source: Connection, target: Connection): void {
  target.write(() => {
    for (const table of CONTEXT) {
      const insert = inserter(source, target, table);
      for (const row of source.db.prepare<[], unknown[]>(`SELECT * FROM ${table}`).raw().iterate()) insert(row);
    }
  });
}

/** Copies entries with all that belongs to them, in one transaction; rows that are there already stay as they are. */
export function copyEntries(source: Connection, target: Connection, entryIds: readonly number[]): void {
  target.write(() => {
    source.db.transaction(() => {
      for (const [table, where] of Object.entries(BELONGINGS)) {
        const insert = inserter(source, target, table);
        const select = source.db.prepare<[{ id: number }], unknown[]>(`SELECT * FROM ${table} WHERE ${where}`).raw();
        for (const id of entryIds) for (const row of select.iterate({ id })) insert(row);
      }
    })();
  });
}

/** Only a row that is there already is passed over: any other conflict is a fault and is thrown. */
function inserter(source: Connection, target: Connection, table: string): (row: unknown[]) => void {
  const columns = source.db.prepare<[], { name: string; pk: number }>(`PRAGMA table_info(${table})`).all();
  const names = columns.map(({ name }) => name);
  const key = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  const insert = target.db.prepare<unknown[]>(`
    INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
    ON CONFLICT (${key.join(", ")}) DO NOTHING`);
  return (row) => insert.run(...row);
}

/** Rows of `entryIds` (of everything when absent), by table: what a copy is proved by. */
export function tally({ db }: Connection, entryIds?: readonly number[]): Record<string, number> {
  const counts = Object.entries(BELONGINGS).map(([table, where]): [string, number] => {
    if (entryIds === undefined) {
      return [table, db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0];
    }
    const count = db.prepare<[{ id: number }], number>(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck();
    return [table, entryIds.reduce((sum, id) => sum + (count.get({ id }) ?? 0), 0)];
  });
  return Object.fromEntries(counts);
}

/** Every entry and its outcomes. */
export function contents({ db }: Connection): ArchivedEntry[] {
  return db
    .prepare<[], { id: number; outcomes: string }>(`
      SELECT e.id, (SELECT json_group_array(o.id ORDER BY o.id) FROM outcome o WHERE o.entry_id = e.id) AS outcomes
      FROM entry e ORDER BY e.id`)
    .all()
    .map(({ id, outcomes }) => ({ entryId: id, outcomeIds: JSON.parse(outcomes) }));
}

/** What SQLite itself finds wrong, a line each; empty when all is well. */
export function integrityProblems({ db }: Connection): string[] {
  const integrity = db.prepare<[], string>("PRAGMA integrity_check").pluck().all();
  const dangling = db
    .prepare<[], { table: string; rowid: number | null; parent: string }>("PRAGMA foreign_key_check")
    .all()
    .map(
      ({ table, rowid, parent }) => `row ${rowid ?? "?"} of table ${table} refers to a row of ${parent} that is gone`,
    );
  return [...integrity.filter((line) => line !== "ok"), ...dangling];
}

/**
 * A consistent copy of the whole database as one plain file, by SQLite's online backup; writers go on meanwhile.
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

const PAGES_PER_STEP = 4096;
