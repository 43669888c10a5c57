// Entries whose rows are lost and which the indexes still know: number, time and picture of each. With them their readings
// and results stay what they are; the size, hash and camera settings of the picture are lost.
import type { Database } from "better-sqlite3";
import type { PageFile } from "./salvage-pages.ts";
import { rowsOf, treePages } from "./salvage-tables.ts";

interface Known {
  capturedAtUs?: number;
  directory?: string;
  filename?: string;
  local?: boolean;
}

/** Adds what the indexes know of entries that `db` has not; returns how many these are. For the present form of the tables. */
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
  const isThere = db.prepare<[number], number>("SELECT 1 FROM entry WHERE id = ?").pluck();
  const insert = db.prepare(`
    INSERT INTO entry (id, run_id, origin, captured_at_us, directory, filename, status, attempts, processed_at_us, error_code,
      error, data_transmitted, local, measured)
    SELECT @id, (SELECT max(id) FROM run WHERE started_at_us <= @capturedAtUs), 'adopted', @capturedAtUs, @directory, @filename,
      CASE WHEN o.ok = 1 OR @filename IS NULL THEN 'processed' WHEN o.id IS NULL AND @local = 1 THEN 'pending' ELSE 'failed' END,
      0, o.processed_at_us, o.error_code, o.error, coalesce(o.id <= (SELECT cursor FROM delivery), 0), @local,
      coalesce(o.ok, 0)
    FROM (SELECT 1) LEFT JOIN (SELECT * FROM outcome WHERE entry_id = @id ORDER BY ok DESC, id LIMIT 1) o
    WHERE true ON CONFLICT DO NOTHING`);
  let rebuilt = 0;
  for (const [id, { capturedAtUs, directory = null, filename = null, local = false }] of [...known].sort(byId)) {
    if (capturedAtUs === undefined || isThere.get(id) !== undefined) continue;
    rebuilt += insert.run({ id, capturedAtUs, directory, filename, local: local || filename === null ? 1 : 0 }).changes;
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
