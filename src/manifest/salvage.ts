// Saves what can be read of a damaged manifest into a new one. The damaged file is only read. The new one gets all rows that are
// intact, is made consistent, and is checked by SQLite before it is used.
import Database from "better-sqlite3";
import { damagedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, Failure } from "../failure/failure.ts";
import { attemptOn, guard } from "./guarded.ts";
import { holds } from "./salvage-content.ts";
import { rebuildEntries } from "./salvage-entries.ts";
import { fits, type TableForm, tableForms, usualIndexRoots } from "./salvage-forms.ts";
import { type Mended, type MendOptions, mend } from "./salvage-mend.ts";
import { PageFile } from "./salvage-pages.ts";
import type { Value } from "./salvage-records.ts";
import { rowsOf, survey, type TablePages } from "./salvage-tables.ts";
import { APPLICATION_ID, APPLICATION_ID_AT, MIGRATIONS } from "./schema.ts";

interface SavedTable {
  readonly table: string;
  /** Rows in the new manifest. */
  readonly saved: number;
  /** Largest possible number of lost rows; undefined if unknown. */
  readonly lost: number | undefined;
}

export interface Salvaged extends Mended {
  /** Tables that had rows. */
  readonly tables: readonly SavedTable[];
  /** Entries that only the indexes know: number, time and image. */
  readonly rebuilt: number;
}

export interface SalvageOptions extends MendOptions {
  /** Called with the number of pages read so far and the total. */
  progress?(done: number, total: number): void;
}

/** Tables and indexes of a damaged file that cannot be read completely. */
export interface Affected {
  /** Whether the start of the file is not that of a database. */
  readonly header: boolean;
  readonly tables: readonly string[];
  readonly indexes: readonly string[];
}

const USER_VERSION_AT = 60;
/** Rows written in one transaction. */
const BATCH = 50_000;
/** Filled by migrations and triggers, not from saved rows. */
const MADE_ANEW: ReadonlySet<string> = new Set(["counter", "sqlite_sequence"]);
/** The migrations give these a first row, which is replaced by the saved one. */
const SEEDED: ReadonlySet<string> = new Set(["delivery"]);

/** Returns the index roots found in the file, otherwise those of a newly created manifest. */
function indexRoots(found: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return found.size > 0 ? found : usualIndexRoots();
}

/** Returns which tables and indexes of a file are damaged. */
export function affectedBy(path: string): Affected {
  const file = PageFile.open(path);
  try {
    const { tables, indexes } = survey(file, tableForms(versionOf(file)));
    const damaged = tables.filter((table) => table.unreadable > 0 || damagedCells(file, table) > 0);
    return { header: !file.hasHeader, tables: damaged.map(({ form }) => form.name), indexes };
  } finally {
    file.close();
  }
}

function damagedCells(file: PageFile, { form, pages }: TablePages): number {
  let damaged = 0;
  for (const page of pages) {
    for (const row of rowsOf(file, page)) if (row === undefined || !isWhole(form, row.values)) damaged += 1;
  }
  return damaged;
}

/** Whether a record is a row of the table, and its packed values can be unpacked. */
function isWhole(form: TableForm, values: readonly Value[]): boolean {
  return fits(form, values) && holds(form, values);
}

/**
 * Saves what can be read of the manifest `source` into a new file `target`, durable when this returns. Throws Failure
 * `manifest.corrupt` if nothing can be read; the caller removes an unfinished `target`.
 * @param name name of the manifest in messages, if `source` is a copy of it.
 */
export function salvage(source: string, target: string, options: SalvageOptions, name = source): Salvaged {
  const file = PageFile.open(source);
  try {
    const version = versionOf(file);
    const found = survey(file, tableForms(version));
    const db = create(target, version);
    try {
      const tables = copyTables(file, found.tables, db, options);
      migrate(db, version);
      const rebuilt = rebuildEntries(file, indexRoots(found.roots), db);
      if (count(db, "entry") + count(db, "run") === 0) {
        throw decodeFailure(damagedDatabase(name, "no data of an experiment can be read from it"));
      }
      const mended = mend(db, options);
      check(db, target);
      const rest = new Map(tables.map(({ table }) => [table, count(db, table)]));
      const lostNow = ({ table, lost }: SavedTable) =>
        table === "entry" && lost !== undefined ? Math.max(0, lost - rebuilt) : lost;
      return {
        ...mended,
        rebuilt,
        tables: tables
          .map((one) => ({ table: one.table, saved: rest.get(one.table) ?? one.saved, lost: lostNow(one) }))
          .filter(({ saved, lost }) => saved > 0 || (lost ?? 1) > 0),
      };
    } finally {
      db.close();
    }
  } finally {
    file.close();
  }
}

/** Returns the schema version; the current one if the file does not say. */
function versionOf(file: PageFile): number {
  const header = file.page(1);
  if (header === undefined || !file.hasHeader) return MIGRATIONS.length;
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) return MIGRATIONS.length;
  const version = header.readUInt32BE(USER_VERSION_AT);
  return version >= 1 && version <= MIGRATIONS.length ? version : MIGRATIONS.length;
}

function create(target: string, version: number): Database.Database {
  const db = guard(
    new Database(target),
    attemptOn(target, () => undefined),
  );
  // The file is flushed once at the end; until then no other process knows its name.
  db.pragma("page_size = 4096");
  db.pragma("journal_mode = OFF");
  db.pragma("synchronous = OFF");
  db.pragma("foreign_keys = OFF");
  db.pragma("cache_size = -65536");
  db.pragma(`application_id = ${APPLICATION_ID}`);
  for (const sql of MIGRATIONS.slice(0, version)) db.exec(sql);
  db.pragma(`user_version = ${version}`);
  return db;
}

function migrate(db: Database.Database, version: number): void {
  for (const sql of MIGRATIONS.slice(version)) db.exec(sql);
  db.pragma(`user_version = ${MIGRATIONS.length}`);
}

function copyTables(
  file: PageFile,
  tables: readonly TablePages[],
  db: Database.Database,
  { progress }: SalvageOptions,
): SavedTable[] {
  const total = tables.reduce((sum, { pages }) => sum + pages.length, 0);
  let done = 0;
  const saved = tables
    .filter(({ form }) => !MADE_ANEW.has(form.name))
    .map((table) => {
      const { form, pages } = table;
      const insert = inserter(db, form);
      let rows = 0;
      let damaged = 0;
      let open = 0;
      db.exec("BEGIN");
      for (const page of pages) {
        for (const row of rowsOf(file, page)) {
          const inserted = row === undefined ? undefined : insert(row.values, row.rowid);
          if (inserted === undefined) damaged += 1;
          else rows += inserted;
          open += 1;
        }
        done += 1;
        progress?.(done, total);
        if (open < BATCH) continue;
        db.exec("COMMIT; BEGIN");
        open = 0;
      }
      db.exec("COMMIT");
      return { table: form.name, saved: rows, lost: lostOf(table, rows, damaged, db) };
    });
  keepSequence(file, tables, db);
  return saved;
}

/**
 * Returns a function that inserts a record. It returns 0 if the record exists already, undefined if it is not a row of the table.
 */
function inserter(
  db: Database.Database,
  form: TableForm,
): (values: readonly Value[], rowid: number) => number | undefined {
  const { columns, alias, name } = form;
  const verb = SEEDED.has(name) ? "INSERT OR REPLACE" : "INSERT";
  const conflict = SEEDED.has(name) ? "" : "ON CONFLICT DO NOTHING";
  // By the number of columns in the record: columns of later versions get their defaults.
  const statements = new Map<number, Database.Statement<unknown[]>>();
  const statementFor = (count: number): Database.Statement<unknown[]> => {
    const known = statements.get(count);
    if (known !== undefined) return known;
    const names = columns.slice(0, count).map((column) => `"${column.name}"`);
    const marks = names.map(() => "?").join(", ");
    const made = db.prepare<unknown[]>(`${verb} INTO "${name}" (${names.join(", ")}) VALUES (${marks}) ${conflict}`);
    statements.set(count, made);
    return made;
  };
  return (values, rowid) => {
    if (!isWhole(form, values)) return undefined;
    const row = values.map((value, at) => (at === alias ? rowid : value));
    try {
      return statementFor(values.length).run(...row).changes;
    } catch (error) {
      // A row that violates a constraint of its table was never written like this.
      if (error instanceof Failure && error.code === "manifest.failed") return undefined;
      throw error;
    }
  };
}

/**
 * Returns the largest possible number of rows in what cannot be read: the missing row ids in between, or as many as other pages
 * hold.
 */
function lostOf(
  { form, pages, unreadable, gaps }: TablePages,
  rows: number,
  damaged: number,
  db: Database.Database,
): number | undefined {
  if (unreadable === 0) return damaged;
  if (form.withoutRowid || form.alias < 0) {
    return pages.length === 0 ? undefined : damaged + Math.ceil((unreadable * rows) / pages.length);
  }
  const key = `"${form.columns[form.alias]?.name}"`;
  const highest = db.prepare<[], number | null>(`SELECT max(${key}) FROM "${form.name}"`).pluck().get() ?? 0;
  const within = db
    .prepare<[number, number], number>(`SELECT count(*) FROM "${form.name}" WHERE ${key} > ? AND ${key} <= ?`)
    .pluck();
  let missing = 0;
  for (const { after, upTo } of gaps) {
    const from = Math.max(0, after);
    // The number of rows after the last known one is unknown.
    if (upTo > highest && !Number.isFinite(upTo) && highest <= from) return undefined;
    const to = Math.min(upTo, highest);
    missing += Math.max(0, to - from - (within.get(from, to) ?? 0));
  }
  return missing;
}

/** Keeps the sequences, so that numbers that were used once are not used again. */
function keepSequence(file: PageFile, tables: readonly TablePages[], db: Database.Database): void {
  const known = tables.find(({ form }) => form.name === "sqlite_sequence");
  const raise = db.prepare("UPDATE sqlite_sequence SET seq = max(seq, CAST(? AS INTEGER)) WHERE name = ?");
  const add = db.prepare(
    "INSERT INTO sqlite_sequence SELECT ?, CAST(? AS INTEGER) WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
  );
  for (const page of known?.pages ?? []) {
    for (const row of rowsOf(file, page)) {
      const [name, seq] = row?.values ?? [];
      if (typeof name !== "string" || typeof seq !== "number") continue;
      add.run(name, seq, name);
      raise.run(seq, name);
    }
  }
}

function count(db: Database.Database, table: string): number {
  return db.prepare<[], number>(`SELECT count(*) FROM "${table}"`).pluck().get() ?? 0;
}

function check(db: Database.Database, target: string): void {
  const [first] = db.prepare<[], string>("PRAGMA integrity_check(1)").pluck().all();
  const dangling = db.prepare<[], { table: string; parent: string }>("PRAGMA foreign_key_check").all();
  if (first === "ok" && dangling.length === 0) return;
  const [one] = dangling;
  const why = first === "ok" ? `a row of ${one?.table} refers to a row of ${one?.parent} that does not exist` : first;
  throw new Failure("internal", `the repaired database ${target} is still damaged: ${why}`);
}
