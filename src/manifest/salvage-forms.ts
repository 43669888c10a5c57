// Describes what the rows of each table look like in the file, to recognise a page that is cut off from its table.
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
  /** Stored in a b-tree like that of an index. */
  readonly withoutRowid: boolean;
  /** In the order in which a record holds them. */
  readonly columns: readonly Column[];
  /** Index of the column that is the row id and is stored as NULL; -1 where there is none. */
  readonly alias: number;
  /** Root page of its b-tree in a newly created database. */
  readonly usualRoot: number;
}

/** Returns the root pages of the indexes in a newly created manifest of the current version, by name. */
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

/** Returns the tables of a manifest of version `version`, including SQLite's own tables that matter. */
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

/** Whether a record can be a row of the table. Columns of later versions may be missing at its end. */
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
    // SQLite stores a whole number as an integer, in any column.
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
