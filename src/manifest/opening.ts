// Opens the SQLite file for writing: pragmas, migrations, and a plain error message for everything that can be wrong with it.
// reading.ts opens it read-only.
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import Database from "better-sqlite3";
import { damagedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, Failure } from "../failure/failure.ts";
import { PARTIAL_SUFFIX, syncDirectory, syncFile } from "../system/files.ts";
import type { Connection } from "./connection.ts";
import { attemptOn, guard } from "./guarded.ts";
import { migrate } from "./migrating.ts";
import { BUSY_TIMEOUT_MS, CACHE_KIB, openToRead } from "./reading.ts";
import { checkBeforeWriting } from "./repair.ts";
import { APPLICATION_ID } from "./schema.ts";
import { checkIdentity, checkSchema, checkSound, forgetDamage } from "./soundness.ts";
import { WatchedFile } from "./watched-file.ts";

/** Chosen with bench/manifest: a larger page makes reading a curve faster and writing a frame slower. */
const PAGE_BYTES = 4096;
/** PRAGMA synchronous = FULL. */
const FULL = 2;
/**
 * A checkpoint copies the log into the file. A block of 16 large frames is rewritten 16 times in the log, so let the log fill
 * first.
 */
const CHECKPOINT_PAGES = 4000;
const LARGEST_IDLE_LOG_BYTES = 64 * 1024 * 1024;

/**
 * Opens the manifest `file`; creates or migrates it if `readonly` is false. With `check`, a file that is only read is checked for
 * damage first, as one that is written always is. Throws as `Manifest.open` does.
 */
export function connect(file: string, readonly: boolean, check = false): Connection {
  const path = resolve(file);
  if (!existsSync(path)) {
    if (readonly) {
      throw new Failure("experiment.unusable", `no experiment in ${dirname(path)}: ${basename(path)} does not exist`, {
        hint: "start one with `phorest run`, or name its configuration with --config",
      });
    }
    create(path);
  }
  return explained(path, () => {
    if (!readonly) return openToWrite(path);
    if (check) checkSound(path);
    return openToRead(path);
  });
}

function openToWrite(path: string): Connection {
  checkBeforeWriting(path);
  forgetDamage(path);
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  let file: WatchedFile;
  try {
    checkIdentity(db, path);
    checkSchema(db, path);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma(`journal_size_limit = ${LARGEST_IDLE_LOG_BYTES}`);
    db.pragma(`cache_size = -${CACHE_KIB}`);
    migrate(db);
    assertDurable(db);
    file = new WatchedFile(db, path);
  } catch (error) {
    db.close();
    throw error;
  }
  guard(db, file.attempt);
  return {
    db,
    directory: dirname(path),
    write: (change, { last = false } = {}) => {
      if (!last && !db.inTransaction) file.check();
      return file.attempt(() => db.transaction(change).immediate());
    },
    get damage() {
      return file.damage;
    },
    noteDamage: (found) => file.note(found),
    look: () => file.look(),
    close: () => file.close(),
    get closingNote() {
      return file.closingNote;
    },
    blockOnLock: (limitMs) => void db.pragma(`busy_timeout = ${limitMs}`),
  };
}

/** In write-ahead mode this build of SQLite uses NORMAL unless told otherwise, and only after the first write. */
function assertDurable(db: Database.Database): void {
  db.prepare("UPDATE delivery SET cursor = cursor").run();
  const synchronous = db.pragma("synchronous", { simple: true });
  const journal = db.pragma("journal_mode", { simple: true });
  if (synchronous !== FULL || journal !== "wal") {
    throw new Failure("experiment.unusable", `SQLite runs with synchronous=${synchronous}, journal_mode=${journal}`, {
      hint: "frames would not survive a power cut; put data_dir on a local file system",
    });
  }
}

/** Creates a new manifest under a temporary name, and gives it its real name when it is complete. */
function create(path: string): void {
  const directory = dirname(path);
  if (!existsSync(directory)) {
    throw new Failure("experiment.unusable", `the data directory ${directory} does not exist`, {
      hint: "create it, or correct Paths.data_dir",
    });
  }
  for (const rest of [`${path}-wal`, `${path}-journal`]) {
    // The log of a missing database would be applied to the new one.
    if (existsSync(rest)) throw corrupt(path, `${basename(rest)} exists, but the database itself does not`);
  }
  const temporary = join(directory, `.${basename(path)}.${randomBytes(4).toString("hex")}${PARTIAL_SUFFIX}`);
  explained(path, () => {
    try {
      const db = new Database(temporary);
      try {
        db.pragma(`page_size = ${PAGE_BYTES}`);
        // It is flushed to the disk once, when complete, not after each migration.
        db.pragma("synchronous = OFF");
        db.pragma(`application_id = ${APPLICATION_ID}`);
        migrate(db);
      } finally {
        db.close();
      }
      syncFile(temporary);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    syncDirectory(directory);
  });
}

/** Runs `work`; converts errors of SQLite to Failures. */
function explained<T>(path: string, work: () => T): T {
  return attemptOn(path, () => undefined)(work);
}

function corrupt(path: string, reason: string): Failure {
  return decodeFailure(damagedDatabase(path, reason));
}
