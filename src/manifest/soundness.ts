// Whether the database can be trusted: the look at it before a process writes to it, and the note that damage was found.
// The note is a small file next to the database, because a damaged database cannot store the note about its own damage.
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

/** Up to this size a start reads the whole database (a second on a small machine), above it the ends of each table. */
const READ_WHOLE_BYTES = 64 * 1024 * 1024;
const NOTE_SUFFIX = ".damage.json";

const NOTE = z.object({ at: z.string(), message: z.string() });

/** Damage that a process found while it worked. */
export type DamageNote = z.output<typeof NOTE>;

/** Name of the note on a database file. */
export function damageNotePath(database: string): string {
  return join(dirname(database), `${basename(database)}${NOTE_SUFFIX}`);
}

/** What was noted of the database; undefined where nothing was. A note that cannot be read is a note all the same. */
export function readDamageNote(database: string): DamageNote | undefined {
  const path = damageNotePath(database);
  if (!existsSync(path)) return undefined;
  try {
    return NOTE.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    return { at: "", message: `the database ${database} is damaged; ${path}: ${failureLine(error)}` };
  }
}

/** Notes the damage; the first note stays. Returns why it could not be noted. */
export function noteDamage(database: string, { message }: Failure): string | undefined {
  try {
    const note: DamageNote = { at: new Date().toISOString(), message };
    writeFileSync(damageNotePath(database), `${JSON.stringify(note)}\n`, { flag: "wx", flush: true });
    return undefined;
  } catch (error) {
    return existsSync(damageNotePath(database)) ? undefined : failureLine(error);
  }
}

/** For the holder of the lock, once the database has been read whole and found sound. */
export function forgetDamage(database: string): void {
  rmSync(damageNotePath(database), { force: true });
}

/**
 * Looks at the database through a connection that cannot write, and changes nothing in it. Throws Failure `manifest.corrupt`.
 * `whole`: it is read whole, at any size; so is one that an earlier process found damaged.
 */
export function checkSound(path: string, whole = false): void {
  const noted = readDamageNote(path) !== undefined;
  const attempt = attemptOn(path, () => undefined);
  let db: Database.Database;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
  } catch {
    // What cannot be opened to be read is explained by the opening to write, which follows.
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

/** Reads both ends of every table by a connection of its own, which has nothing in memory. Throws what SQLite throws. */
export function readEndsOf(path: string): void {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    readEnds(db);
  } finally {
    db.close();
  }
}

/** The damage that a look at the database finds, as by checkSound; undefined where it finds none. */
export function damageOf(path: string, whole = false): Failure | undefined {
  try {
    checkSound(path, whole);
    return undefined;
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

/** A journal to be rolled back, or a directory that takes no index of the log, is no damage. */
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

/** `withContents`: also what only this program can tell, which takes as long as reading all results. */
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

/** A finding of SQLite's integrity check in one line. */
function oneLine(text: string): string {
  return text
    .replace("*** in database main ***", "")
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ");
}

/** Throws Failure `manifest.corrupt` for a file that is no manifest, `manifest.newer` for one of a later version. */
export function checkIdentity(db: Database.Database, path: string): void {
  const application = db.pragma("application_id", { simple: true });
  // A new manifest gets its name only when it is whole, so an empty file is a damaged one, never a new one.
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

/** Throws Failure `manifest.corrupt` where the tables, indexes and triggers are not those of the version it says it has. */
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
