// Merges frames, in order of capture. A frame exists already if time, image name and page are equal.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { importedName } from "./imported.ts";
import { insert, type MergeSide } from "./merge-side.ts";
import { plainName } from "./plain-name.ts";

interface Row {
  readonly id: number;
  readonly captured_at_us: number;
  readonly directory: string | null;
  readonly filename: string | null;
  readonly settings: string | null;
  readonly status: string;
  readonly local: number;
  readonly missing: number;
  readonly page: number | null;
  readonly file_entry_id: number | null;
  readonly [column: string]: number | string | null;
}

/** Columns that apply only in a frame's own experiment: its run, its copies on the share, and what outputs have passed on. */
const OWN_TO_EACH = {
  ...{
    run_id: null,
    origin: "imported",
    attempts: 0,
    claim: 0,
    claimed_at_us: null,
    data_transmitted: 0,
    image_synced: 0,
  },
  ...{ local: 1, removed_at_us: null, remote_path: null, remote_bytes: null, remote_sha256: null, remote_id: null },
  ...{ synced_at_us: null, pages_unsettled: 0, pages_unreported: 0, pages_unmeasured: 0 },
};
const LOST = { status: "failed", error_code: "frame.missing", error: "the image file does not exist" };

export interface MergedEntries {
  readonly frames: number;
  readonly added: number;
  readonly withoutImage: number;
  /** Maps each entry of the other experiment to one in this experiment. */
  readonly idOf: ReadonlyMap<number, number>;
}

/** Merges the entries. Call within a transaction. */
export function mergeEntries({ connection, manifest }: MergeSide, from: MergeSide): MergedEntries {
  const all = "SELECT * FROM entry ORDER BY captured_at_us, id";
  const known = new Map<string, number>();
  const ownRows = connection.db.prepare<[], Row>(all).all();
  const own = new Map(ownRows.map((row) => [row.id, row]));
  for (const row of ownRows) known.set(keyOf(row, own), row.id);
  const rows = from.connection.db.prepare<[], Row>(all).all();
  const theirs = new Map(rows.map((row) => [row.id, row]));
  const readings = from.connection.db.prepare<[number], Row>("SELECT * FROM reading WHERE entry_id = ?");
  const idOf = new Map<number, number>();
  let added = 0;
  let withoutImage = 0;

  const take = (row: Row): number => {
    const there = idOf.get(row.id) ?? known.get(keyOf(row, theirs));
    if (there !== undefined) {
      idOf.set(row.id, there);
      return there;
    }
    const file = row.file_entry_id === null ? row : theirs.get(row.file_entry_id);
    const fileEntryId = row.file_entry_id === null || file === undefined ? null : take(file);
    const path = file?.filename == null ? undefined : pathOf(file, from.connection.directory);
    const lost = path !== undefined && (file?.local === 0 || !existsSync(path));
    const { id: _, ...values } = row;
    const entryId = insert(connection, "entry", {
      ...values,
      ...OWN_TO_EACH,
      directory:
        row.directory === null ? null : manifest.entries.storedDirectory(directoryOf(row, from.connection.directory)),
      file_entry_id: fileEntryId,
      missing: lost && row.file_entry_id === null ? 1 : 0,
      ...stateOf(row, lost),
    });
    for (const reading of readings.all(row.id)) insert(connection, "reading", { ...reading, entry_id: entryId });
    idOf.set(row.id, entryId);
    added += 1;
    if (lost) withoutImage += 1;
    return entryId;
  };
  for (const row of rows) take(row);
  return { frames: rows.length, added, withoutImage, idOf };
}

function keyOf(row: Row, all: ReadonlyMap<number, Row>): string {
  const file = row.file_entry_id === null ? row : all.get(row.file_entry_id);
  const name = file?.filename == null ? null : plainName(importedName(file) || file.filename);
  return JSON.stringify([row.captured_at_us, name, row.page]);
}

const directoryOf = ({ directory }: Row, base: string): string => resolve(base, directory ?? ".");

const pathOf = (row: Row, base: string): string => join(directoryOf(row, base), row.filename ?? "");

/** Work that was in progress becomes pending again; a waiting frame without an image becomes failed. */
function stateOf({ status }: Row, lost: boolean): Readonly<Record<string, string>> {
  const waits = status === "pending" || status === "processing";
  return waits && lost ? LOST : { status: waits ? "pending" : status };
}
