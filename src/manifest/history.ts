// What has happened so far, for people: counts, entries in order of capture, readings over time.

import type { Reading } from "../sensors/thermometer.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import type { Status } from "./schema.ts";

/** How many entries are in which state. Kept by the database: reading it costs the same for any history. */
export interface ManifestCounts {
  readonly total: number;
  readonly pending: number;
  readonly processing: number;
  readonly processed: number;
  readonly failed: number;
  readonly transmitted: number;
  readonly synced: number;
  readonly compressed: number;
  readonly missing: number;
  /** Pictures that `verify --repair` found to differ from what was captured. */
  readonly damaged: number;
  readonly collectionErrors: number;
  readonly imageBytes: number;
  /** Pictures lying in the data directory, and their size. */
  readonly localImages: number;
  readonly localBytes: number;
  /** Moved out of the live tables; in none of the other counts. */
  readonly archived: number;
}

/** An entry as kept. */
export interface StoredEntry {
  readonly entryId: number;
  readonly capturedAtUs: number;
  readonly filename: string | undefined;
  /** Directory, absolute. */
  readonly filepath: string | undefined;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly cameraIndex: number | undefined;
  readonly collectionError: string | undefined;
  readonly status: Status;
  readonly attempts: number;
  readonly processedAtUs: number | undefined;
  readonly errorCode: string | undefined;
  readonly error: string | undefined;
  readonly dataTransmitted: boolean;
  readonly imageSynced: boolean;
  readonly compressionAttempted: boolean;
  readonly missing: boolean;
  /** px, where they are known. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

interface EntryRow {
  id: number;
  captured_at_us: number;
  directory: string | null;
  filename: string | null;
  bytes: number | null;
  sha256: string | null;
  camera_index: number | null;
  collection_error: string | null;
  status: Status;
  attempts: number;
  processed_at_us: number | null;
  error_code: string | null;
  error: string | null;
  data_transmitted: number;
  image_synced: number;
  compression_attempted: number;
  missing: number;
  width: number | null;
  height: number | null;
}

/** A reading and the entry it was taken with. */
export interface TimedReading extends Reading {
  readonly entryId: number;
}

const PAGE = 1000;

export function counts({ db }: Connection): ManifestCounts {
  const row = db
    .prepare<[], Omit<ManifestCounts, "total">>(`
      SELECT pending, processing, processed, failed, transmitted, synced, compressed, missing, damaged,
        collection_errors AS collectionErrors, image_bytes AS imageBytes,
        local_images AS localImages, local_bytes AS localBytes,
        (SELECT coalesce(sum(entries), 0) FROM archive WHERE moved_at_us IS NOT NULL) AS archived FROM counter`)
    .get();
  if (row === undefined) throw new RangeError("the row of counters is gone");
  return { total: row.pending + row.processing + row.processed + row.failed, ...row };
}

/** All entries in order of capture, read page by page. */
export function* entriesByTime(
  { db }: Connection,
  entries: Entries,
  sinceUs = Number.MIN_SAFE_INTEGER,
): Generator<StoredEntry> {
  const page = db.prepare<[number, number, number], EntryRow>(
    "SELECT * FROM entry WHERE (captured_at_us, id) > (?, ?) ORDER BY captured_at_us, id LIMIT ?",
  );
  let timeUs = sinceUs - 1;
  let id = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = page.all(timeUs, id, PAGE);
    for (const row of rows) yield storedEntry(row, entries);
    const last = rows.at(-1);
    if (last === undefined) return;
    timeUs = last.captured_at_us;
    id = last.id;
  }
}

/** The failed entries of the highest id first, at most `limit`. */
export function recentFailures({ db }: Connection, entries: Entries, limit: number): StoredEntry[] {
  return db
    .prepare<[number], EntryRow>("SELECT * FROM entry WHERE status = 'failed' ORDER BY id DESC LIMIT ?")
    .all(limit)
    .map((row) => storedEntry(row, entries));
}

/** Failed entries that no analysis has an outcome for, in order of ids. */
export function failuresWithoutOutcome(
  { db }: Connection,
  entries: Entries,
  sinceUs = Number.MIN_SAFE_INTEGER,
): StoredEntry[] {
  return db
    .prepare<[number], EntryRow>(`
      SELECT * FROM entry WHERE status = 'failed' AND captured_at_us >= ?
      AND NOT EXISTS (SELECT 1 FROM outcome WHERE entry_id = entry.id) ORDER BY id`)
    .all(sinceUs)
    .map((row) => storedEntry(row, entries));
}

export interface Sensor {
  readonly sensor: string;
  readonly unit: string;
}

/** Every sensor there is a reading of. */
export function sensors({ db }: Connection): Sensor[] {
  return db.prepare<[], Sensor>("SELECT DISTINCT sensor, unit FROM reading ORDER BY sensor").all();
}

/** The entry with the highest id. */
export function lastEntry({ db }: Connection, entries: Entries): StoredEntry | undefined {
  const row = db.prepare<[], EntryRow>("SELECT * FROM entry ORDER BY id DESC LIMIT 1").get();
  return row === undefined ? undefined : storedEntry(row, entries);
}

/** Readings of the entries after an entry, in order of ids, at most those of `limit` entries. */
export function readingsAfter({ db }: Connection, afterEntryId: number, limit: number): TimedReading[] {
  return db
    .prepare<
      [{ after: number; limit: number }],
      { entryId: number; value: number | null; error: string | null } & Omit<Reading, "value" | "error">
    >(`
      SELECT entry_id AS entryId, sensor, value, unit, taken_at_us AS takenAtUs, error FROM reading
      WHERE entry_id > @after AND entry_id <= (SELECT coalesce(max(id), @after) FROM (SELECT id FROM entry WHERE id > @after ORDER BY id LIMIT @limit))
      ORDER BY entry_id, sensor`)
    .all({ after: afterEntryId, limit })
    .map((row) => ({ ...row, value: row.value ?? undefined, error: row.error ?? undefined }));
}

function storedEntry(row: EntryRow, entries: Entries): StoredEntry {
  return {
    entryId: row.id,
    capturedAtUs: row.captured_at_us,
    filename: row.filename ?? undefined,
    filepath: row.directory === null ? undefined : entries.absoluteDirectory(row.directory),
    bytes: row.bytes ?? undefined,
    sha256: row.sha256 ?? undefined,
    cameraIndex: row.camera_index ?? undefined,
    collectionError: row.collection_error ?? undefined,
    status: row.status,
    attempts: row.attempts,
    processedAtUs: row.processed_at_us ?? undefined,
    errorCode: row.error_code ?? undefined,
    error: row.error ?? undefined,
    dataTransmitted: row.data_transmitted === 1,
    imageSynced: row.image_synced === 1,
    compressionAttempted: row.compression_attempted === 1,
    missing: row.missing === 1,
    width: row.width ?? undefined,
    height: row.height ?? undefined,
  };
}
