// Opens the SQLite file read-only and changes nothing in it. A database of an older version, or with a log that must be applied,
// is read from a private copy if the original cannot be written. Otherwise a run updates it.
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
/**
 * Cache per connection, KiB; a run keeps four connections open for weeks. A curve of 26,000 frames is read from 7 MB of pages.
 */
export const CACHE_KIB = 8192;

/** Opens a read-only connection to the manifest `path`. Throws as `Manifest.open` does, or errors of SQLite. */
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

/** Opens the file itself; returns undefined if only a copy of it can be read. */
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
    // The index file of a log cannot be created on read-only storage.
    if (isUnwritable(error)) return undefined;
    throw error;
  }
  db.close();
  return undefined;
}

/**
 * Opens a private copy of a manifest that cannot be written, with the log of a killed writer applied, and migrates it. The files
 * of the copy are unlinked when this returns, so nothing remains of it however this process ends.
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
      // The log is applied to the file, because a log without a name could not be read.
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

/** Errors about the place of the copy, for which the user can choose another place. */
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

/** Whether this process could update the database in place. */
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
