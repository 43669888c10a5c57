// Imported entries: which entry of an earlier import a capture is, and what becomes of it once its picture is found or
// brought in. Pictures outside of the data directory stay another program's: these are the only ways to make one ours.
import { z } from "zod";
import type { NewFile } from "../system/new-file.ts";
import type { Connection } from "./connection.ts";
import { type Entries, otherForm } from "./entries.ts";
import { Repairs } from "./inspection.ts";

/** An entry that is there already. */
export interface KnownEntry {
  readonly entryId: number;
  readonly missing: boolean;
  /** Its picture is in the data directory, or was and has moved to the share. */
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

/** What is noted of a picture that was brought in. */
const ORIGIN = z.object({ imported_name: z.string() });

/**
 * The entry of this picture: the one that names the file, or an imported one of the same moment and name. undefined when
 * there is none.
 */
export function knownEntry(
  { db }: Connection,
  entries: Entries,
  picture: { readonly capturedAtUs: number; readonly directory: string; readonly filename: string },
): KnownEntry | undefined {
  const { capturedAtUs, filename } = picture;
  const names = new Set([filename, otherForm(filename)]);
  const columns = "id, directory, filename, local, missing, settings";
  const byFile = db.prepare<[string, string], Row>(
    `SELECT ${columns} FROM entry WHERE directory = ? AND filename = ? LIMIT 1`,
  );
  const directory = entries.storedDirectory(picture.directory);
  const ofFile = [...names].map((name) => byFile.get(directory, name)).find((row) => row !== undefined);
  const ofMoment = db
    .prepare<[number], Row>(
      `SELECT ${columns} FROM entry WHERE captured_at_us = ? AND origin = 'imported' AND filename IS NOT NULL`,
    )
    .all(Math.round(capturedAtUs));
  const row = ofFile ?? ofMoment.find((one) => names.has(one.filename) || names.has(importedName(one)));
  if (row === undefined) return undefined;
  return { entryId: row.id, missing: row.missing === 1, own: row.directory === "." || row.local === 0 };
}

function importedName({ settings }: Row): string {
  const parsed = ORIGIN.safeParse(settings === null ? undefined : JSON.parse(settings));
  return parsed.success ? parsed.data.imported_name : "";
}

/** The settings of a picture that was brought in as another name. */
export function importedSettings(filename: string): string {
  return JSON.stringify({ imported_name: filename } satisfies z.output<typeof ORIGIN>);
}

/** An imported picture that was missing is in `directory`. */
export function relocate(
  connection: Connection,
  entries: Entries,
  entryId: number,
  { directory, filename }: { readonly directory: string; readonly filename: string },
): void {
  connection.write(() => {
    connection.db
      .prepare("UPDATE entry SET directory = ?, filename = ? WHERE id = ? AND local = 1 AND missing = 1")
      .run(entries.storedDirectory(directory), filename, entryId);
    new Repairs(connection, entries).markReturned(entryId);
  });
}

/** The picture of an imported entry was copied into the data directory: that copy is the picture from now on. */
export function settleAdopted(
  connection: Connection,
  entries: Entries,
  entryId: number,
  { name, bytes, sha256 }: NewFile,
  importedAs: string,
): void {
  connection.write(() => {
    const values = { entryId, name, bytes, sha256, settings: importedSettings(importedAs) };
    const { changes } = connection.db
      .prepare(`
        UPDATE entry SET directory = '.', filename = @name, bytes = @bytes, sha256 = @sha256, settings = @settings,
          compression_attempted = 0,
          -- A copy on the share that was made before is this picture's only if the original did not change since.
          image_synced = iif(remote_sha256 <> @sha256, 0, image_synced)
        WHERE id = @entryId AND local = 1 AND directory <> '.'`)
      .run(values);
    if (changes === 1) new Repairs(connection, entries).markReturned(entryId);
  });
}
