// Opening the SQLite file to read it. Nothing is changed: what would have to be changed to be read is changed in a private copy,
// but only where the original cannot be written. Elsewhere a run brings it up to date.
import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { errorCode } from "../failure/error-code.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import type { Connection } from "./connection.ts";
import { attemptOn, guard, isDamage } from "./guarded.ts";
import { formOf, migrate } from "./migrating.ts";
import { MIGRATIONS } from "./schema.ts";
import { checkIdentity, checkSchema } from "./soundness.ts";

export const BUSY_TIMEOUT_MS = 5000;
/** Of each connection, and a run keeps four for weeks. A curve of 26,000 frames is read from 7 MB of pages. */
export const CACHE_KIB = 8192;

/** A connection to the manifest `path` that cannot write. Throws as `Manifest.open` says, or what SQLite throws. */
export function openToRead(path: string): Connection {
  const db = inPlace(path) ?? copied(path);
  db.pragma(`cache_size = -${CACHE_KIB}`);
  let damage: Failure | undefined;
  const note = (found: Failure) => {
    damage ??= found;
  };
  guard(
    db,
    attemptOn(path, (thrown) => (isDamage(thrown) ? note(thrown) : undefined)),
  );
  return {
    db,
    directory: dirname(path),
    write: () => {
      throw new Failure("internal", `${path} is open for reading only`);
    },
    get damage() {
      return damage;
    },
    noteDamage: note,
    blockOnLock: () => undefined,
    look: () => {
      if (damage !== undefined) throw damage;
    },
    close: () => void db.close(),
    closingNote: undefined,
  };
}

/** The file itself; undefined where only a copy of it can be read. */
function inPlace(path: string): Database.Database | undefined {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    checkIdentity(db, path);
    checkSchema(db, path);
    if (formOf(db) >= MIGRATIONS.length) return db;
    if (isWritable(path)) {
      throw new Failure("experiment.unusable", `${path} was written by an older version (form ${formOf(db)})`, {
        hint: "update it with `phorest run`, or without capturing with `phorest verify --repair`",
      });
    }
  } catch (error) {
    db?.close();
    // The index file of a log cannot be made on a medium that cannot be written.
    if (isUnwritable(error)) return undefined;
    throw error;
  }
  db.close();
  return undefined;
}

/**
 * A private copy of a manifest that cannot be written, with the log of a writer that was killed, brought to the present form.
 * Its files have no name any more when this returns, so nothing is left of it however this process ends.
 */
function copied(path: string): Database.Database {
  const files = [path, `${path}-wal`].filter((file) => existsSync(file));
  for (const file of files) accessSync(file, constants.R_OK);
  const place = copyDirectory(path);
  try {
    for (const file of files) {
      const copy = join(place, basename(file));
      copyFileSync(file, copy);
      // A copy has the mode of its original, which may be read-only.
      chmodSync(copy, 0o600);
    }
    const db = new Database(join(place, basename(path)), { fileMustExist: true });
    try {
      checkIdentity(db, path);
      checkSchema(db, path);
      // The log becomes part of the file, because a log without a name could not be read.
      db.pragma("journal_mode = DELETE");
      db.pragma("synchronous = OFF");
      migrate(db);
      db.pragma("query_only = ON");
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw explainedCopy(error, path, place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function copyDirectory(path: string): string {
  try {
    return mkdtempSync(join(tmpdir(), "phorest-manifest-"));
  } catch (error) {
    throw explainedCopy(error, path, tmpdir());
  }
}

/** Errors of the place of the copy, which a person can name another of. */
const NO_PLACE = new Set(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "ENOENT", "ENOTDIR", "SQLITE_FULL"]);

function explainedCopy(error: unknown, path: string, place: string): unknown {
  const code = errorCode(error) ?? "";
  if (!NO_PLACE.has(code)) return error;
  return new Failure(
    "disk.failed",
    `${path} can only be read as a copy, and the copy in ${place} failed: ${reasonOf(error)}`,
    {
      hint: "set TMPDIR to a directory with enough space for the database",
      cause: error,
    },
  );
}

function reasonOf(error: unknown): string {
  return encodeFailure(error).message;
}

/** Whether this process could bring the database up to date where it is. */
function isWritable(path: string): boolean {
  try {
    for (const place of [path, dirname(path)]) accessSync(place, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function isUnwritable(error: unknown): boolean {
  const code = error instanceof Database.SqliteError ? error.code : "";
  return code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_READONLY");
}
