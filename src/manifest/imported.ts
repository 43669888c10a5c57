// Imported entries: frames from another program. Recognises them in a later import, and updates them when their image is found or
// copied into the data directory. Images outside the data directory belong to the other program; only these functions make them
// phorest's.
import * as z from "zod";
import { captureTimeOf } from "../image/capture-name.ts";
import type { NewFile } from "../system/new-file.ts";
import type { Connection } from "./connection.ts";
import { type Entries, type EntryHistory, type NewEntry, otherForm } from "./entries.ts";
import type { Repairs } from "./repairs.ts";

/** An entry that exists already. */
export interface KnownEntry {
  readonly entryId: number;
  readonly missing: boolean;
  /** Whether its image is in the data directory, or was and has been moved to the share. */
  readonly own: boolean;
}

interface Row {
  id: number;
  directory: string;
  filename: string;
  local: number;
  missing: number;
  settings: string | null;
}

/** What is recorded of an image that was brought in. */
const ORIGIN = z.object({ imported_name: z.string() });

export class Imported {
  readonly #connection: Connection;
  readonly #entries: Entries;
  readonly #repairs: Repairs;

  constructor(connection: Connection, entries: Entries, repairs: Repairs) {
    this.#connection = connection;
    this.#entries = entries;
    this.#repairs = repairs;
  }

  /** Adds an entry with its history from another program; returns its id, or undefined if it exists already. */
  add(entry: NewEntry, past: Omit<EntryHistory, "origin">): number | undefined {
    const { filename, filepath, capturedAtUs } = entry;
    const entries = this.#entries;
    const known = filename === undefined ? entries.knowsMoment(capturedAtUs) : entries.knowsFile(filename, filepath);
    return known ? undefined : entries.add(entry, { ...past, origin: "imported" });
  }

  /** Returns the entry of a page, from 0, of the file that an entry carries; undefined if there is none. */
  pageOf(fileEntryId: number, page: number): number | undefined {
    return this.#connection.db
      .prepare<[number, number, number], number>(
        "SELECT id FROM entry WHERE (id = ? OR file_entry_id = ?) AND page = ?",
      )
      .pluck()
      .get(fileEntryId, fileEntryId, page);
  }

  /**
   * Finds the entry of an image: the one that names the file, or an imported one of the same time and name. Undefined if there is
   * none.
   */
  find(picture: {
    readonly capturedAtUs: number;
    readonly directory: string;
    readonly filename: string;
  }): KnownEntry | undefined {
    const { db } = this.#connection;
    const { capturedAtUs, filename } = picture;
    const names = new Set([filename, otherForm(filename)]);
    const columns = "id, directory, filename, local, missing, settings";
    const byFile = db.prepare<[string, string], Row>(
      `SELECT ${columns} FROM entry WHERE directory = ? AND filename = ? LIMIT 1`,
    );
    const directory = this.#entries.storedDirectory(picture.directory);
    const ofFile = [...names].map((name) => byFile.get(directory, name)).find((row) => row !== undefined);
    const ofMoment = db
      .prepare<[number], Row>(
        `SELECT ${columns} FROM entry WHERE captured_at_us = ? AND origin = 'imported' AND filename IS NOT NULL`,
      )
      .all(Math.round(capturedAtUs));
    const isOne = (one: Row) => names.has(one.filename) || names.has(importedName(one));
    // An earlier import may have copied it, and dated it by its name because its entry was torn.
    const copied = captureTimeOf(filename) === undefined ? [] : [...names].map((name) => byFile.get(".", name));
    const row =
      ofFile ?? ofMoment.find(isOne) ?? copied.find((one) => one !== undefined && names.has(importedName(one)));
    if (row === undefined) return undefined;
    return { entryId: row.id, missing: row.missing === 1, own: row.directory === "." || row.local === 0 };
  }

  /**
   * Records that a result of this entry was imported: it is not measured again, and does not fail if its image is missing.
   * Returns whether this changed its status.
   */
  settleMeasured(entryId: number, processedAtUs: number): boolean {
    return this.#connection.write(() => {
      const { changes } = this.#connection.db
        .prepare(`
          UPDATE entry SET status = 'processed', processed_at_us = ?, error_code = NULL, error = NULL
          WHERE id = ? AND (status = 'pending' OR (status = 'failed' AND error_code = 'frame.missing'))`)
        .run(Math.round(processedAtUs), entryId);
      return changes === 1;
    });
  }

  /** Records that a missing imported image is in `directory`. */
  relocate(entryId: number, { directory, filename }: { readonly directory: string; readonly filename: string }): void {
    this.#connection.write(() => {
      this.#connection.db
        .prepare("UPDATE entry SET directory = ?, filename = ? WHERE id = ? AND local = 1 AND missing = 1")
        .run(this.#entries.storedDirectory(directory), filename, entryId);
      this.#repairs.markReturned(entryId);
    });
  }

  /** Records that the image of an imported entry was copied into the data directory. From now on, the copy is its image. */
  settleAdopted(entryId: number, { name, bytes, sha256 }: NewFile, importedAs: string): void {
    this.#connection.write(() => {
      const values = { entryId, name, bytes, sha256, settings: importedSettings(importedAs) };
      const { changes } = this.#connection.db
        .prepare(`
          UPDATE entry SET directory = '.', filename = @name, bytes = @bytes, sha256 = @sha256, settings = @settings,
            compression_attempted = 0,
            -- A copy on the share that was made before is this picture's only if the original did not change since.
            image_synced = iif(remote_sha256 <> @sha256, 0, image_synced)
          WHERE id = @entryId AND local = 1 AND directory <> '.'`)
        .run(values);
      if (changes === 1) this.#repairs.markReturned(entryId);
    });
  }
}

/** Returns the name that an image had before it was brought in; empty for every other image. */
export function importedName({ settings }: Pick<Row, "settings">): string {
  const parsed = ORIGIN.safeParse(settings === null ? undefined : JSON.parse(settings));
  return parsed.success ? parsed.data.imported_name : "";
}

/** Returns the settings of an image that was brought in under another name. */
export function importedSettings(filename: string): string {
  return JSON.stringify({ imported_name: filename } satisfies z.output<typeof ORIGIN>);
}
