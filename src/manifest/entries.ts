// Entries: one row per captured picture, its readings, and the claims on it.
import { isAbsolute, join, relative, resolve } from "node:path";
import type { Statement } from "better-sqlite3";
import type { FailureData } from "../failure/failure.ts";
import { checkPictureName } from "../image/picture-name.ts";
import type { Connection } from "./connection.ts";
import type { EntryHistory, NewEntry } from "./new-entry.ts";
import { FILE_ENTRY, fileColumn, GROWN, PAGES_OF_NAME, UNCHANGED } from "./page-rows.ts";

export type { EntryHistory, FurtherPage, NewEntry } from "./new-entry.ts";

/** An entry that was claimed for work. Only an answer with the current `claim` number is accepted. */
export interface Claim {
  readonly entryId: number;
  readonly claim: number;
  /** How often the entry was claimed, including this time. */
  readonly attempts: number;
  readonly filename: string;
  /** Directory, absolute. */
  readonly filepath: string;
  /** Which page of the file, from 0; undefined where the file is one picture. */
  readonly page: number | undefined;
  readonly capturedAtUs: number;
}

export type ClaimKey = Pick<Claim, "entryId" | "claim">;

/** Which pending entries may be claimed; all of them by default. */
export interface ClaimChoice {
  /** Only entries that were claimed less often than this. */
  readonly attemptsBelow?: number;
  /** Entries that must not be claimed. */
  readonly except?: readonly number[];
}

/** `except`: ids to leave out, as JSON. */
interface ClaimQuery {
  readonly nowUs: number;
  readonly limit: number;
  readonly attemptsBelow: number;
  readonly except: string;
}

interface ClaimRow {
  id: number;
  claim: number;
  attempts: number;
  directory: string;
  filename: string;
  page: number | null;
  captured_at_us: number;
}

/** Returns the other name of an image: with `.gz` if it has none, without it otherwise. */
export function otherForm(filename: string): string {
  return filename.endsWith(".gz") ? filename.slice(0, -".gz".length) : `${filename}.gz`;
}

/** The camera settings of an image, as JSON, and the hash of its uncompressed content, even if it was compressed since. */
export interface TakenPicture {
  readonly settings: string | null;
  readonly sha256: string | null;
  /** The hash of the file as it is now. */
  readonly storedSha256: string | null;
}

export class Entries {
  readonly #connection: Connection;
  readonly #insert: Statement;
  readonly #insertReading: Statement;
  readonly #grown: Statement<[unknown], number>;
  readonly #unchanged: Statement<[unknown], number>;
  readonly #pagesOf: Statement<[{ directory: string; filename: string; other: string }], number>;
  readonly #whole: Statement<[{ filename: string; other: string }]>;
  readonly #knows: Statement<[{ directory: string; filename: string }]>;
  readonly #knowsAway: Statement<[{ filename: string; other: string }]>;
  readonly #taken: Statement<[string, string], TakenPicture>;
  readonly #takenAway: Statement<[string, string], TakenPicture>;
  readonly #knowsTime: Statement<[number]>;
  readonly #claim: Statement<[ClaimQuery], ClaimRow>;
  readonly #processed: Statement<[{ entryId: number; claim: number; nowUs: number }]>;
  readonly #failed: Statement;
  readonly #release: Statement;
  readonly #markMissing: Statement<[{ entryId: number }]>;
  readonly #failPages: Statement<[{ entryId: number; nowUs: number }]>;
  readonly #addWarning: Statement<[{ entryId: number; warning: string }]>;

  constructor(connection: Connection) {
    this.#connection = connection;
    const { db } = connection;
    this.#insert = db.prepare(`
      INSERT INTO entry (run_id, origin, captured_at_us, directory, filename, bytes, sha256, width, height, bit_depth,
        camera_type, camera_index, settings, warnings, collection_error, status, processed_at_us, error_code, error,
        data_transmitted, image_synced, compression_attempted, missing, page, file_entry_id, time_source, cut_off)
      VALUES (@runId, @origin, @capturedAtUs, @directory, @filename, @bytes, @sha256, @width, @height, @bitDepth,
        @cameraType, @cameraIndex, @settings, @warnings, @collectionError, @status, @processedAtUs, @errorCode, @error,
        @dataTransmitted, @imageSynced, @compressionAttempted, @missing, @page, @fileEntryId, @timeSource, @cutOff)`);
    this.#grown = db.prepare<[unknown], number>(GROWN).pluck();
    this.#unchanged = db.prepare<[unknown], number>(UNCHANGED).pluck();
    this.#pagesOf = db.prepare<[{ directory: string; filename: string; other: string }], number>(PAGES_OF_NAME).pluck();
    this.#whole = db.prepare(
      "UPDATE entry SET cut_off = NULL WHERE filename IN (@filename, @other) AND cut_off IS NOT NULL",
    );
    this.#insertReading = db.prepare(
      "INSERT INTO reading VALUES (@entryId, @sensor, @value, @unit, @takenAtUs, @error)",
    );
    this.#knows = db
      .prepare<[{ directory: string; filename: string }]>(`
        SELECT 1 FROM entry WHERE directory = @directory AND filename = @filename
        UNION ALL SELECT 1 FROM archived_file WHERE directory = @directory AND filename = @filename LIMIT 1`)
      .pluck();
    this.#taken = db.prepare<[string, string], TakenPicture>(
      `SELECT settings, coalesce(original_sha256, sha256) AS sha256, sha256 AS storedSha256 FROM entry WHERE directory = ? AND filename = ?`,
    );
    this.#takenAway = db.prepare<[string, string], TakenPicture>(
      `SELECT settings, coalesce(original_sha256, sha256) AS sha256, sha256 AS storedSha256 FROM entry WHERE local = 0 AND filename IN (?, ?)`,
    );
    this.#knowsAway = db
      .prepare<[{ filename: string; other: string }]>(`
        SELECT 1 FROM entry WHERE local = 0 AND filename IN (@filename, @other)
        UNION ALL SELECT 1 FROM archived_file WHERE filename IN (@filename, @other) LIMIT 1`)
      .pluck();
    this.#knowsTime = db
      .prepare("SELECT 1 FROM entry WHERE captured_at_us = ? AND filename IS NULL AND file_entry_id IS NULL")
      .pluck();
    this.#claim = db.prepare<[ClaimQuery], ClaimRow>(`
      UPDATE entry SET status = 'processing', attempts = attempts + 1, claim = claim + 1, claimed_at_us = @nowUs
      WHERE id IN (SELECT id FROM entry WHERE status = 'pending' AND attempts < @attemptsBelow
        AND id NOT IN (SELECT value FROM json_each(@except)) ORDER BY id LIMIT @limit)
      RETURNING id, claim, attempts, ${fileColumn("directory")}, ${fileColumn("filename")}, page, captured_at_us`);
    this.#processed = db.prepare(`
      UPDATE entry SET status = 'processed', processed_at_us = @nowUs, error_code = NULL, error = NULL
      WHERE id = @entryId AND claim = @claim AND status = 'processing'`);
    this.#failed = db.prepare(`
      UPDATE entry SET status = 'failed', processed_at_us = @nowUs, error_code = @code, error = @message
      WHERE id = @entryId AND claim = @claim AND status = 'processing'`);
    this.#release = db.prepare(`
      UPDATE entry SET status = 'pending', attempts = attempts - @given
      WHERE id = @entryId AND claim = @claim AND status = 'processing'`);
    this.#markMissing = db.prepare(`UPDATE entry SET missing = 1 WHERE id = ${FILE_ENTRY} AND missing = 0`);
    this.#failPages = db.prepare(`
      UPDATE entry SET status = 'failed', processed_at_us = @nowUs, error_code = 'frame.missing', error = 'the image is missing'
      WHERE status = 'pending' AND (id = ${FILE_ENTRY} OR file_entry_id = ${FILE_ENTRY})`);
    this.#addWarning = db.prepare(`
      UPDATE entry SET warnings = iif(coalesce(warnings, '') = '', @warning, warnings || '; ' || @warning)
      WHERE id = @entryId AND instr(coalesce(warnings, ''), @warning) = 0`);
  }

  /**
   * Inserts an entry and its readings; returns its id. Without `history` it is a new capture. Throws Failure `file.refused` if
   * the name is not that of an image: no row ever names anything else.
   */
  add(entry: NewEntry, history?: EntryHistory): number {
    const { filename, furtherPages = [], continues, runId, cameraType, cameraIndex } = entry;
    if (filename !== undefined) checkPictureName(filename, "a new entry");
    return this.#connection.write(() => {
      if (continues !== undefined) this.#whole.run({ filename: continues, other: otherForm(continues) });
      if (continues !== undefined && continues === filename) return this.#addToFile(entry);
      const entryId = this.#addRow(entry, history);
      // One transaction for all: after a crash, either all pages of a file have their rows or none has.
      const shared = { runId, cameraType, cameraIndex };
      // The known history belongs to this page only: the other pages have not been measured.
      const past = history && { origin: history.origin, status: "pending" as const };
      for (const page of furtherPages) this.#addRow({ ...shared, ...page }, past, entryId);
      return entryId;
    });
  }

  /** Inserts another frame from the file of an entry; returns its id. */
  addPage(fileEntryId: number, page: NewEntry & { readonly page: number }, history: EntryHistory): number {
    return this.#connection.write(() => this.#addRow(page, history, fileEntryId));
  }

  /** Adds pages to the file of an entry: another program has appended them, or an earlier run did not choose them. */
  #addToFile({ furtherPages = [], filename, bytes, sha256, settings, cutOff, ...first }: NewEntry): number {
    const directory = this.storedDirectory(first.filepath ?? this.#connection.directory);
    const file = { directory, filename, bytes, sha256, settings, cutOff: cutOff ?? null };
    const fileEntryId = this.#unchanged.get(file) ?? this.#grown.get(file);
    if (fileEntryId === undefined) throw new RangeError(`no entry has the file ${filename}`);
    const { runId, cameraType, cameraIndex } = first;
    const [id = fileEntryId] = [first, ...furtherPages].map((page) =>
      this.#addRow({ runId, cameraType, cameraIndex, ...page }, undefined, fileEntryId),
    );
    return id;
  }

  #addRow(entry: NewEntry, history: EntryHistory | undefined, fileEntryId?: number): number {
    const { filename } = entry;
    const withoutPicture = entry.collectionError === undefined ? "processed" : "failed";
    const status =
      history?.status ?? (filename === undefined && fileEntryId === undefined ? withoutPicture : "pending");
    const directory =
      filename === undefined ? null : this.storedDirectory(entry.filepath ?? this.#connection.directory);
    const { lastInsertRowid } = this.#insert.run({
      runId: entry.runId ?? null,
      origin: history?.origin ?? "captured",
      capturedAtUs: Math.round(entry.capturedAtUs),
      directory,
      filename: filename ?? null,
      bytes: entry.bytes ?? null,
      sha256: entry.sha256 ?? null,
      width: entry.width ?? null,
      height: entry.height ?? null,
      bitDepth: entry.bitDepth ?? null,
      cameraType: entry.cameraType ?? null,
      cameraIndex: entry.cameraIndex ?? null,
      settings: entry.settings ?? null,
      warnings: entry.warnings ?? null,
      collectionError: entry.collectionError ?? null,
      status,
      processedAtUs: history?.processedAtUs ?? null,
      errorCode: history?.errorCode ?? null,
      error: history?.error ?? (status === "failed" ? (entry.collectionError ?? null) : null),
      dataTransmitted: history?.dataTransmitted === true ? 1 : 0,
      // State of the file. It is stored on the entry that carries the file.
      imageSynced: fileEntryId === undefined && history?.imageSynced === true ? 1 : 0,
      compressionAttempted: fileEntryId === undefined && history?.compressionAttempted === true ? 1 : 0,
      missing: fileEntryId === undefined && history?.missing === true ? 1 : 0,
      page: entry.page ?? null,
      fileEntryId: fileEntryId ?? null,
      timeSource: entry.timeSource ?? null,
      cutOff: entry.cutOff ?? null,
    });
    const entryId = Number(lastInsertRowid);
    for (const reading of entry.readings ?? []) {
      const { sensor, unit, value, error } = reading;
      const takenAtUs = Math.round(reading.takenAtUs);
      this.#insertReading.run({ entryId, sensor, unit, takenAtUs, value: value ?? null, error: error ?? null });
    }
    return entryId;
  }

  /** Adds an entry for an image that has no row, pending unless `state` says otherwise. Returns undefined if a row exists. */
  adopt(
    entry: NewEntry & { readonly filename: string },
    state: Omit<EntryHistory, "origin"> = { status: "pending" },
  ): number | undefined {
    if (this.knowsFile(entry.filename, entry.filepath)) return undefined;
    return this.add(entry, { origin: "adopted", ...state });
  }

  /**
   * Whether a row names the file, or named it before it was moved away or archived. An image and its compressed form (`.gz`)
   * count as the same file.
   */
  knowsFile(filename: string, filepath = this.#connection.directory): boolean {
    const other = otherForm(filename);
    const directory = this.storedDirectory(filepath);
    if ([filename, other].some((name) => this.#knows.get({ directory, filename: name }) !== undefined)) return true;
    return directory === "." && this.#knowsAway.get({ filename, other }) !== undefined;
  }

  /**
   * Returns what is recorded of this image in the manifest's own directory, or (unless `exact`) of its compressed form, or of the
   * image that was moved away; undefined if nothing is.
   */
  takenPicture(filename: string, { exact = false } = {}): TakenPicture | undefined {
    const directory = this.storedDirectory(this.#connection.directory);
    const found = this.#taken.get(directory, filename);
    if (found !== undefined || exact) return found;
    const other = otherForm(filename);
    return this.#taken.get(directory, `${filename}.gz`) ?? this.#takenAway.get(filename, other);
  }

  /**
   * Returns the pages, from 0, of this file in the manifest's own directory that have a row, in order; a file that was moved
   * away counts too. Unless `exact`, also those of its compressed form.
   */
  pagesOf(filename: string, { exact = false } = {}): readonly number[] {
    const directory = this.storedDirectory(this.#connection.directory);
    return this.#pagesOf.all({ directory, filename, other: exact ? filename : otherForm(filename) });
  }

  /** Whether an entry without an image was captured at exactly this time. */
  knowsMoment(capturedAtUs: number): boolean {
    return this.#knowsTime.get(capturedAtUs) !== undefined;
  }

  /** Claims up to `limit` pending entries, oldest first. The attempt is counted before the work begins (invariant 3). */
  claimPending(limit: number, nowUs: number, choice: ClaimChoice = {}): Claim[] {
    const { attemptsBelow = Number.MAX_SAFE_INTEGER, except = [] } = choice;
    return this.#connection
      .write(() => this.#claim.all({ limit, nowUs, attemptsBelow, except: JSON.stringify(except) }))
      .sort((a, b) => a.id - b.id)
      .map((row) => ({
        entryId: row.id,
        claim: row.claim,
        attempts: row.attempts,
        filename: row.filename,
        filepath: this.absoluteDirectory(row.directory),
        page: row.page ?? undefined,
        capturedAtUs: row.captured_at_us,
      }));
  }

  /** Marks the entry as processed; returns false if the claim is out of date. Call within a transaction. */
  settleProcessed({ entryId, claim }: ClaimKey, nowUs: number): boolean {
    return this.#processed.run({ entryId, claim, nowUs }).changes === 1;
  }

  /** Marks the entry as failed; returns false if the claim is out of date. Call within a transaction. */
  settleFailed({ entryId, claim }: ClaimKey, { code, message }: FailureData, nowUs: number): boolean {
    return this.#failed.run({ entryId, claim, code, message, nowUs }).changes === 1;
  }

  /**
   * Returns the entry to pending. The attempt does not count unless `countAttempt` is set. Returns false if the claim is out of
   * date.
   */
  release({ entryId, claim }: ClaimKey, { countAttempt = false }: { readonly countAttempt?: boolean } = {}): boolean {
    return this.#connection.write(
      () => this.#release.run({ entryId, claim, given: countAttempt ? 0 : 1 }).changes === 1,
      { last: true },
    );
  }

  /** Records that the file of an entry is missing. */
  markMissing(entryId: number): void {
    this.#connection.write(() => this.#markMissing.run({ entryId }));
  }

  /** Fails the other frames of a missing file that are still to be measured. Returns how many there were. */
  failPages(entryId: number, nowUs: number): number {
    return this.#connection.write(() => this.#failPages.run({ entryId, nowUs }).changes);
  }

  /** Adds a warning about the image of an entry, unless it has that warning already. */
  addWarning(entryId: number, warning: string): void {
    this.#connection.write(() => this.#addWarning.run({ entryId, warning }));
  }

  /** Returns a directory as it is stored: relative to the manifest's own directory if it is inside it. */
  storedDirectory(directory: string): string {
    const absolute = resolve(directory);
    const inside = relative(this.#connection.directory, absolute);
    if (inside === "") return ".";
    return inside === ".." || inside.startsWith("../") || isAbsolute(inside) ? absolute : inside;
  }

  /** Returns the absolute path of a stored directory. */
  absoluteDirectory(stored: string): string {
    return isAbsolute(stored) ? stored : join(this.#connection.directory, stored);
  }
}
