// What the rows of each table look like in the file. By this, a page that is cut off from its table is recognised.
import Database from "better-sqlite3";
import type { Value } from "./salvage-records.ts";
import { MIGRATIONS } from "./schema.ts";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  /** Place in the primary key, from 1; 0 for none. */
  readonly pk: number;
}

export interface TableForm {
  readonly name: string;
  /** Kept in a b-tree of the kind of an index. */
  readonly withoutRowid: boolean;
  /** In the order in which a record holds them. */
  readonly columns: readonly Column[];
  /** Index of the column that is the row id and is stored as NULL; -1 where there is none. */
  readonly alias: number;
  /** Where its b-tree begins in a database that was made in one go. */
  readonly usualRoot: number;
}

/** Where the indexes begin in a manifest of the present version that was made in one go, by name. */
export function usualIndexRoots(): ReadonlyMap<string, number> {
  const model = new Database(":memory:");
  try {
    for (const sql of MIGRATIONS) model.exec(sql);
    const rows = model
      .prepare<[], { name: string; root: number }>(
        "SELECT name, rootpage AS root FROM sqlite_schema WHERE type = 'index'",
      )
      .all();
    return new Map(rows.map(({ name, root }) => [name, root]));
  } finally {
    model.close();
  }
}

/** The tables of a manifest of version `version`, those of SQLite's own that matter included. */
export function tableForms(version: number): TableForm[] {
  const model = new Database(":memory:");
  try {
    for (const sql of MIGRATIONS.slice(0, version)) model.exec(sql);
    return model
      .prepare<[], { name: string; wr: number; usualRoot: number }>(`
        SELECT t.name, t.wr, s.rootpage AS usualRoot FROM pragma_table_list t JOIN sqlite_schema s ON s.name = t.name
        WHERE t.schema = 'main' AND t.type = 'table' AND s.type = 'table' ORDER BY s.rootpage`)
      .all()
      .map(({ name, wr, usualRoot }) => {
        const columns = model.prepare<[], Column>(`PRAGMA table_info("${name}")`).all();
        const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
        const withoutRowid = wr === 1;
        const [only] = key;
        const isAlias = !withoutRowid && key.length === 1 && only?.type === "INTEGER";
        return {
          name,
          withoutRowid,
          columns: withoutRowid ? [...key, ...columns.filter(({ pk }) => pk === 0)] : columns,
          alias: isAlias && only !== undefined ? columns.indexOf(only) : -1,
          usualRoot,
        };
      });
  } finally {
    model.close();
  }
}

/** Whether a record can be a row of the table. Columns that came with a later version may be absent at its end. */
export function fits({ columns, alias }: TableForm, values: readonly Value[]): boolean {
  if (values.length === 0 || values.length > columns.length) return false;
  return columns.every((column, at) => {
    const value = values[at];
    if (value === undefined) return column.notnull === 0 || column.dflt_value !== null;
    if (at === alias) return value === null;
    if (value === null) return column.notnull === 0 && column.pk === 0;
    return isOfType(column.type, value);
  });
}

function isOfType(type: string, value: Exclude<Value, null>): boolean {
  switch (type) {
    case "INTEGER":
      return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
    // A whole number is stored as an integer, in any column.
    case "REAL":
      return typeof value === "number";
    case "TEXT":
      return typeof value === "string";
    case "BLOB":
      return Buffer.isBuffer(value);
    default:
      return true;
  }
}
