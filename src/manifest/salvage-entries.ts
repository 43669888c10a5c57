// Rebuilds entries whose rows are lost but which the indexes still contain: number, time and image of each. Their readings and
// results stay valid; the size, hash and camera settings of the image are lost.
import type { Database } from "better-sqlite3";
import type { PageFile } from "./salvage-pages.ts";
import { rowsOf, treePages } from "./salvage-tables.ts";

interface Known {
  capturedAtUs?: number;
  directory?: string;
  filename?: string;
  local?: boolean;
  /** For a further page: the entry that carries its file, and the page number. */
  fileEntryId?: number;
  page?: number;
}

/** Adds the entries that only the indexes know; returns how many. Only for the current schema version. */
export function rebuildEntries(file: PageFile, roots: ReadonlyMap<string, number>, db: Database): number {
  const known = new Map<number, Known>();
  const note = (id: unknown, facts: Known): void => {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 1) return;
    known.set(id, { ...known.get(id), ...facts });
  };
  for (const [capturedAtUs, id] of valuesOf(file, roots.get("entry_time"))) {
    if (typeof capturedAtUs === "number") note(id, { capturedAtUs });
  }
  for (const [directory, filename, id] of valuesOf(file, roots.get("entry_file"))) {
    if (typeof directory === "string" && typeof filename === "string") note(id, { directory, filename });
  }
  for (const [capturedAtUs, id, directory, filename] of valuesOf(file, roots.get("entry_local"))) {
    if (typeof capturedAtUs !== "number" || typeof directory !== "string" || typeof filename !== "string") continue;
    note(id, { capturedAtUs, directory, filename, local: true });
  }
  for (const [fileEntryId, page, id] of valuesOf(file, roots.get("entry_page"))) {
    if (typeof fileEntryId !== "number" || typeof page !== "number") continue;
    note(id, { fileEntryId, page, local: true });
    // No index holds the page number of that entry; it is usually the first.
    if (known.has(fileEntryId)) note(fileEntryId, { page: 0 });
  }
  const isThere = db.prepare<[number], number>("SELECT 1 FROM entry WHERE id = ?").pluck();
  const insert = db.prepare(`
    INSERT INTO entry (id, run_id, origin, captured_at_us, directory, filename, status, attempts, processed_at_us, error_code,
      error, data_transmitted, local, measured, file_entry_id, page)
    SELECT @id, (SELECT max(id) FROM run WHERE started_at_us <= @capturedAtUs), 'adopted', @capturedAtUs, @directory, @filename,
      CASE WHEN o.ok = 1 OR coalesce(@filename, @fileEntryId) IS NULL THEN 'processed' WHEN o.id IS NULL AND @local = 1 THEN 'pending' ELSE 'failed' END,
      0, o.processed_at_us, o.error_code, o.error, coalesce(o.id <= (SELECT cursor FROM delivery), 0), @local,
      coalesce(o.ok, 0), @fileEntryId, @page
    FROM (SELECT 1) LEFT JOIN (SELECT * FROM outcome WHERE entry_id = @id ORDER BY ok DESC, id LIMIT 1) o
    WHERE true ON CONFLICT DO NOTHING`);
  let rebuilt = 0;
  for (const [id, facts] of [...known].sort(byId)) {
    const { capturedAtUs, directory = null, filename = null, local = false, fileEntryId = null, page = null } = facts;
    if (capturedAtUs === undefined || isThere.get(id) !== undefined) continue;
    const place = { directory, filename, local: local || filename === null ? 1 : 0, fileEntryId, page };
    rebuilt += insert.run({ id, capturedAtUs, ...place }).changes;
  }
  return rebuilt;
}

function byId([one]: readonly [number, Known], [other]: readonly [number, Known]): number {
  return one - other;
}

function* valuesOf(file: PageFile, root: number | undefined): Generator<readonly unknown[]> {
  if (root === undefined) return;
  for (const page of treePages(file, root))
    for (const row of rowsOf(file, page)) if (row !== undefined) yield row.values;
}
