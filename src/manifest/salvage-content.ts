// Checks the content of packed columns: damage inside packed numbers or JSON shows only when they are unpacked.

import type { Database } from "better-sqlite3";
import { decodeLines } from "../analysis/chosen-lines.ts";
import { decodeDriftReference } from "../analysis/drift.ts";
import { isStoredReference } from "../analysis/tracking.ts";
import { recordedRois } from "../measurement/roi.ts";
import type { TableForm } from "./salvage-forms.ts";
import type { Value } from "./salvage-records.ts";
import { decodeStatistics } from "./statistics-codec.ts";

/** By table and column: a function that throws if the value cannot be what was stored. */
const UNPACK: Readonly<Record<string, Readonly<Record<string, (value: Exclude<Value, null>) => unknown>>>> = {
  detail: { statistics: (value) => decodeStatistics(bytes(value)) },
  drift_reference: { patches: (value) => (bytes(value).length === 0 ? undefined : decodeDriftReference(bytes(value))) },
  chosen_line: { lines: (value) => decodeLines(bytes(value)) },
  tracking_reference: {
    reference: (value) => {
      if (!isStoredReference(bytes(value))) throw new RangeError("no tracking reference");
    },
  },
  roi_manifest: { json: (value) => recordedRois(String(value), "a saved ROI manifest") },
};

/** Whether the packed values of a row can be unpacked. */
export function holds({ name, columns }: TableForm, values: readonly Value[]): boolean {
  return Object.entries(UNPACK[name] ?? {}).every(([column, unpack]) => {
    const value = values[columns.findIndex((one) => one.name === column)] ?? null;
    return value === null || canUnpack(value, unpack);
  });
}

/**
 * Returns one line about tables with rows that cannot be unpacked; undefined if there are none. SQLite's own check does not find
 * these.
 */
export function packedDamage(db: Database): string | undefined {
  const damaged = Object.entries(UNPACK).flatMap(([table, columns]) =>
    Object.entries(columns).flatMap(([column, unpack]) => {
      const rows = damagedRows(db, { table, column }, unpack);
      return rows === 0 ? [] : [`${rows} ${rows === 1 ? "row" : "rows"} of ${table}`];
    }),
  );
  return damaged.length === 0 ? undefined : `the contents of ${damaged.join(" and ")} cannot be read`;
}

function damagedRows(
  db: Database,
  { table, column }: { table: string; column: string },
  unpack: (value: Exclude<Value, null>) => unknown,
): number {
  const columns = db.prepare<[], { name: string }>(`PRAGMA table_info("${table}")`).all();
  // A database of an earlier version may not have the column.
  if (!columns.some(({ name }) => name === column)) return 0;
  const select = db.prepare<[], Exclude<Value, null>>(
    `SELECT "${column}" FROM "${table}" WHERE "${column}" IS NOT NULL`,
  );
  let rows = 0;
  for (const value of select.pluck().iterate()) if (!canUnpack(value, unpack)) rows += 1;
  return rows;
}

function canUnpack(value: Exclude<Value, null>, unpack: (value: Exclude<Value, null>) => unknown): boolean {
  try {
    unpack(value);
    return true;
  } catch {
    // Any error means that this is not what was stored.
    return false;
  }
}

function bytes(value: Exclude<Value, null>): Uint8Array {
  if (!Buffer.isBuffer(value)) throw new TypeError("bytes were expected");
  return value;
}
