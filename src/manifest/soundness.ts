// Checks whether the database can be trusted before a process writes to it, and records damage. The record is a small file next
// to the database, because a damaged database cannot store it.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import * as z from "zod";
import { damagedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, encodeFailure, Failure, failureLine } from "../failure/failure.ts";
import { fileSize } from "../system/files.ts";
import { attemptOn, guard, isDamage } from "./guarded.ts";
import { packedDamage } from "./salvage-content.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/** Up to this size, a start reads the whole database (a second on a small machine); above it, only the ends of each table. */
const READ_WHOLE_BYTES = 64 * 1024 * 1024;
const NOTE_SUFFIX = ".damage.json";

const NOTE = z.object({ at: z.string(), message: z.string() });

/** Damage that a process found during its work. */
export type DamageNote = z.output<typeof NOTE>;

/** Returns the path of the damage note of a database file. */
export function damageNotePath(database: string): string {
  return join(dirname(database), `${basename(database)}${NOTE_SUFFIX}`);
}

/** Returns the recorded damage; undefined if there is none. A note that cannot be read still counts as damage. */
export function readDamageNote(database: string): DamageNote | undefined {
  const path = damageNotePath(database);
  if (!existsSync(path)) return undefined;
  try {
    return NOTE.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    return { at: "", message: `the database ${database} is damaged; ${path}: ${failureLine(error)}` };
  }
}

/** Records the damage, unless damage was recorded before. Returns the reason if it could not. */
export function noteDamage(database: string, { message }: Failure): string | undefined {
  try {
    const note: DamageNote = { at: new Date().toISOString(), message };
    writeFileSync(damageNotePath(database), `${JSON.stringify(note)}\n`, { flag: "wx", flush: true });
    return undefined;
  } catch (error) {
    return existsSync(damageNotePath(database)) ? undefined : failureLine(error);
  }
}

/** Removes the record. For the holder of the lock, after the whole database was read and found intact. */
export function forgetDamage(database: string): void {
  rmSync(damageNotePath(database), { force: true });
}

/**
 * Checks the database through a read-only connection. Throws Failure `manifest.corrupt`. Reads all of it if `whole` is set, or if
 * an earlier process found damage.
 */
export function checkSound(path: string, whole = false): void {
  const noted = readDamageNote(path) !== undefined;
  const attempt = attemptOn(path, () => undefined);
  let db: Database.Database;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
  } catch {
    // If it cannot be opened for reading, opening it for writing, which follows, reports the reason.
    return;
  }
  try {
    guard(db, attempt);
    if (!canRead(db)) return;
    checkIdentity(db, path);
    checkSchema(db, path);
    if (whole || noted || (fileSize(path) ?? 0) <= READ_WHOLE_BYTES) checkWhole(db, path, whole);
    else readEnds(db);
  } finally {
    db.close();
  }
}

/** Reads both ends of every table through a new connection, which has nothing cached. Throws errors of SQLite. */
export function readEndsOf(path: string): void {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    readEnds(db);
  } finally {
    db.close();
  }
}

/** Returns the damage that checkSound finds; undefined if there is none. */
export function damageOf(path: string, whole = false): Failure | undefined {
  try {
    checkSound(path, whole);
    return undefined;
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

/** A journal that must be rolled back, or a directory in which no log index can be created, is not damage. */
function canRead(db: Database.Database): boolean {
  try {
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return true;
  } catch (error) {
    const { code } = encodeFailure(error);
    if (code !== "disk.failed" && code !== "manifest.locked") throw error;
    return false;
  }
}

/** `withContents`: also check packed values, which takes as long as reading all results. */
function checkWhole(db: Database.Database, path: string, withContents: boolean): void {
  const problems = db.prepare<[], string>("PRAGMA integrity_check").pluck().all();
  const references = withContents
    ? db.prepare<[], { table: string; parent: string }>("PRAGMA foreign_key_check").all()
    : [];
  const dangling = references.map(
    ({ table, parent }) => `a row of ${table} refers to a row of ${parent} that does not exist`,
  );
  const packed = withContents ? packedDamage(db) : undefined;
  const unreadable = packed === undefined ? [] : [packed];
  const [first, ...rest] = [...problems.filter((line) => line !== "ok"), ...dangling, ...unreadable];
  if (first === undefined) return;
  const more = rest.length === 0 ? "" : ` and ${rest.length} more`;
  throw decodeFailure(damagedDatabase(path, `${oneLine(first)}${more}`));
}

/** New rows are written at the ends; damage in between shows when it is read. */
function readEnds(db: Database.Database): void {
  for (const table of tablesOf(db)) {
    const keys = db.prepare<[], { name: string; pk: number }>(`PRAGMA table_info("${table}")`).all();
    const key = keys.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    for (const direction of ["ASC", "DESC"]) {
      const order = key.map(({ name }) => `"${name}" ${direction}`).join(", ");
      if (order !== "") db.prepare(`SELECT * FROM "${table}" ORDER BY ${order} LIMIT 1`).get();
    }
  }
}

function tablesOf(db: Database.Database): string[] {
  return db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all();
}

/** Formats a finding of SQLite's integrity check as one line. */
function oneLine(text: string): string {
  return text
    .replace("*** in database main ***", "")
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ");
}

/** Throws Failure `manifest.corrupt` if the file is not a manifest, `manifest.newer` if it has a later version. */
export function checkIdentity(db: Database.Database, path: string): void {
  const application = db.pragma("application_id", { simple: true });
  // A new manifest gets its name only when it is complete, so an empty file is a damaged one, never a new one.
  if (application !== APPLICATION_ID) {
    throw decodeFailure(damagedDatabase(path, "it is empty or belongs to another program"));
  }
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new Failure(
      "manifest.newer",
      `${path} was written by a newer phorest (form ${version}, known ${MIGRATIONS.length})`,
      {
        hint: "update phorest; nothing was changed",
      },
    );
  }
}

/** Throws Failure `manifest.corrupt` if the tables, indexes and triggers are not those of its schema version. */
export function checkSchema(db: Database.Database, path: string): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  const present = new Set(namesOf(db));
  const own = expectedNames(version);
  const missing = own.filter((name) => !present.has(name));
  if (missing.length > 0) throw decodeFailure(damagedDatabase(path, `it has no ${missing.slice(0, 3).join(", ")}`));
  const early = expectedNames(MIGRATIONS.length).filter((name) => present.has(name) && !own.includes(name));
  if (early.length === 0) return;
  throw decodeFailure(damagedDatabase(path, `it has ${early[0]}, which its version ${version} does not have`));
}

const expected = new Map<number, readonly string[]>();

function expectedNames(version: number): readonly string[] {
  const known = expected.get(version);
  if (known !== undefined) return known;
  const model = new Database(":memory:");
  try {
    for (const sql of MIGRATIONS.slice(0, version)) model.exec(sql);
    const names = namesOf(model);
    expected.set(version, names);
    return names;
  } finally {
    model.close();
  }
}

function namesOf(db: Database.Database): string[] {
  return db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL").pluck().all();
}
