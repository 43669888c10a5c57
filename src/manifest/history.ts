// History, to show to people: counts, entries in order of capture, and failures.
import { PIXELS_CHECKSUM } from "../cameras/frame.ts";
import type { TimeSource } from "../image/times/source.ts";
import { ALWAYS, type TimeWindow } from "../measurement/time-window.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { LAST_FRAMES, newestOf } from "./newest.ts";
import { ENTRY_WITH_FILE } from "./page-rows.ts";
import { pages } from "./pages.ts";
import type { Status } from "./schema.ts";

/** Number of entries in each state. The database keeps these counts, so reading them takes the same time for any history. */
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
  /** Images that `verify --repair` found to differ from what was captured. */
  readonly damaged: number;
  readonly collectionErrors: number;
  readonly imageBytes: number;
  /** Frames that share the file of another frame: they have no file of their own to copy or compress. */
  readonly furtherPages: number;
  /** Number and total size of images in the data directory. */
  readonly localImages: number;
  readonly localBytes: number;
  /** Entries moved out of the live tables; not included in the other counts. */
  readonly archived: number;
}

/** The stored time of a frame from a file of another program. */
export interface TakenTime {
  /** Name of the file where the other program wrote it. */
  readonly name: string;
  /** Page from 0; null if the file is one picture. */
  readonly page: number | null;
  readonly takenAtUs: number;
  readonly source: TimeSource;
}

/** An entry as it is stored. */
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
  /** Which page of the file, from 0; undefined where the file is one picture. */
  readonly page: number | undefined;
  /** Source of `capturedAtUs`; undefined: the clock at the capture. */
  readonly timeSource: TimeSource | undefined;
  /** px; undefined if unknown. */
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
  page: number | null;
  time_source: TimeSource | null;
  width: number | null;
  height: number | null;
}

/** A captured frame, with hashes that identify its image. */
export interface CapturedPicture {
  readonly entryId: number;
  readonly filename: string;
  readonly capturedAtUs: number;
  readonly cameraType: string | undefined;
  /** SHA-256 of the file as it was captured. */
  readonly sha256: string | undefined;
  /** Hash of the pixels alone, without the file's metadata; undefined where the file was stored without decoding it. */
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

const PAGE = 1000;
/** Counting stops at this number, because the status of an experiment is read every second. */
export const MOST_GUESSED = 100_000;

export class History {
  readonly #connection: Connection;
  readonly #entries: Entries;

  constructor(connection: Connection, entries: Entries) {
    this.#connection = connection;
    this.#entries = entries;
  }

  counts(): ManifestCounts {
    const row = this.#connection.db
      .prepare<[], Omit<ManifestCounts, "total">>(`
        SELECT pending, processing, processed, failed, transmitted, synced, compressed, missing, damaged,
          collection_errors AS collectionErrors, image_bytes AS imageBytes,
          further_pages AS furtherPages, local_images AS localImages, local_bytes AS localBytes,
          (SELECT coalesce(sum(entries), 0) FROM archive WHERE moved_at_us IS NOT NULL) AS archived FROM counter`)
      .get();
    if (row === undefined) throw new RangeError("the row of counters is missing");
    return { total: row.pending + row.processing + row.processed + row.failed, ...row };
  }

  /** Yields the entries captured in a window, in order of capture, read in batches. */
  *entries({ fromUs, toUs }: TimeWindow = ALWAYS): Generator<StoredEntry> {
    const page = this.#connection.db.prepare<[number, number, number, number], EntryRow>(
      `${ENTRY_WITH_FILE} WHERE (e.captured_at_us, e.id) > (?, ?) AND e.captured_at_us < ? ORDER BY e.captured_at_us, e.id LIMIT ?`,
    );
    const rows = pages(
      { captured_at_us: fromUs - 1, id: Number.MAX_SAFE_INTEGER },
      (last) => page.all(last.captured_at_us, last.id, toUs, PAGE),
      (row) => row,
    );
    for (const row of rows) yield storedEntry(row, this.#entries);
  }

  /** Returns the entry with the highest id. */
  lastEntry(): StoredEntry | undefined {
    const row = this.#connection.db.prepare<[], EntryRow>(`${ENTRY_WITH_FILE} ORDER BY e.id DESC LIMIT 1`).get();
    return row === undefined ? undefined : storedEntry(row, this.#entries);
  }

  /** Returns the entry captured last, among the last ones to arrive. */
  newestEntry(): StoredEntry | undefined {
    const rows = this.#connection.db
      .prepare<[], EntryRow>(`${ENTRY_WITH_FILE} ORDER BY e.id DESC LIMIT ${LAST_FRAMES}`)
      .all();
    return newestOf(rows.reverse().map((row) => storedEntry(row, this.#entries)));
  }

  /** Returns at most `limit` failed entries, highest id first. */
  recentFailures(limit: number): StoredEntry[] {
    return this.#connection.db
      .prepare<[number], EntryRow>(`${ENTRY_WITH_FILE} WHERE e.status = 'failed' ORDER BY e.id DESC LIMIT ?`)
      .all(limit)
      .map((row) => storedEntry(row, this.#entries));
  }

  /** Returns the failed entries captured in a window for which no analysis has an outcome, in order of ids. */
  failuresWithoutOutcome({ fromUs, toUs }: TimeWindow = ALWAYS): StoredEntry[] {
    return this.#connection.db
      .prepare<[number, number], EntryRow>(`
        ${ENTRY_WITH_FILE} WHERE e.status = 'failed' AND e.captured_at_us >= ? AND e.captured_at_us < ?
        AND NOT EXISTS (SELECT 1 FROM outcome WHERE entry_id = e.id) ORDER BY e.id`)
      .all(fromUs, toUs)
      .map((row) => storedEntry(row, this.#entries));
  }

  /** Returns the capture times of all frames in the live tables, ascending. */
  captureTimesUs(): number[] {
    return this.#connection.db
      .prepare<[], number>("SELECT captured_at_us FROM entry ORDER BY captured_at_us")
      .pluck()
      .all();
  }

  /** Returns the images captured last, newest first, without adopted and imported ones. */
  capturedPictures(limit: number): CapturedPicture[] {
    return this.#connection.db
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

  /** Whether any frame was captured within a window. */
  hasFrames({ fromUs, toUs }: TimeWindow): boolean {
    return (
      this.#connection.db
        .prepare<[number, number]>("SELECT 1 FROM entry WHERE captured_at_us >= ? AND captured_at_us < ? LIMIT 1")
        .get(fromUs, toUs) !== undefined
    );
  }

  /**
   * Returns the earliest capture time of any frame, including archived ones, microseconds since the epoch; undefined if there is
   * none.
   */
  oldestCaptureUs(): number | undefined {
    const oldest = this.#connection.db
      .prepare<[], number | null>(`
        SELECT min(at_us) FROM (SELECT min(captured_at_us) AS at_us FROM entry
          UNION ALL SELECT min(first_captured_at_us) FROM archive WHERE moved_at_us IS NOT NULL)`)
      .pluck()
      .get();
    return oldest ?? undefined;
  }

  /** Counts the frames whose capture time is guessed, up to MOST_GUESSED. */
  guessedTimes(): number {
    return (
      this.#connection.db
        .prepare<[number], number>(`
          SELECT count(*) FROM (SELECT 1 FROM entry INDEXED BY entry_guessed WHERE time_source = 'file' LIMIT ?)`)
        .pluck()
        .get(MOST_GUESSED) ?? 0
    );
  }

  /** Yields the times of all frames from files of other programs, file by file. */
  takenTimes(): IterableIterator<TakenTime> {
    return this.#connection.db
      .prepare<[], TakenTime>(`
        SELECT coalesce(CASE WHEN json_valid(file.settings) THEN file.settings ->> 'source' END, file.filename) AS name,
          frame.page, frame.captured_at_us AS takenAtUs, frame.time_source AS source
        FROM entry frame JOIN entry file ON file.id = coalesce(frame.file_entry_id, frame.id)
        WHERE frame.time_source IS NOT NULL AND file.filename IS NOT NULL ORDER BY file.id, frame.id`)
      .iterate();
  }

  /** Whether a file holds more than one frame. */
  hasPages(): boolean {
    return this.counts().furtherPages > 0;
  }

  /** Returns the latest capture time of any frame, microseconds since the epoch; undefined if there is none. */
  newestCaptureUs(): number | undefined {
    const newest = this.#connection.db
      .prepare<[], number | null>("SELECT max(captured_at_us) FROM entry")
      .pluck()
      .get();
    return newest ?? undefined;
  }
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
    page: row.page ?? undefined,
    timeSource: row.time_source ?? undefined,
    width: row.width ?? undefined,
    height: row.height ?? undefined,
  };
}
