// The file of a database that this process writes: whether it can still be trusted, and how it is closed. What is written
// into a file that is damaged, or has no name any more, is lost; and so may be the pictures that are removed because of its rows.
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { damagedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, encodeFailure, Failure } from "../failure/failure.ts";
import { PARTIAL_SUFFIX, syncDirectory, syncFile } from "../system/files.ts";
import { type Attempt, attemptOn, isDamage } from "./guarded.ts";
import { forgetDamage, noteDamage, readEndsOf } from "./soundness.ts";

/** A look at the file, of some milliseconds, is good for so long. */
const LOOK_EVERY_MS = 10_000;

export class WatchedFile {
  /** Runs work on the database; the damage it meets is kept. */
  readonly attempt: Attempt;
  closingNote: string | undefined;
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #names: ReadonlyMap<string, string | undefined>;
  #found: Failure | undefined;
  /** The open file is whole: only its name has been removed or changed. */
  #whole = false;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** Of an open connection that has written already, so that its log is there. */
  constructor(db: Database.Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.attempt = attemptOn(path, (thrown) => {
      if (isDamage(thrown)) this.note(thrown);
    });
    this.#names = new Map([dirname(path), path, `${path}-wal`].map((name) => [name, identityOf(name)]));
  }

  get damage(): Failure | undefined {
    return this.#found;
  }

  /** Keeps the first damage, also next to the file for the next process. */
  note(damage: Failure): void {
    if (this.#found !== undefined) return;
    this.#found = damage;
    const unnoted = noteDamage(this.#path, damage);
    if (unnoted === undefined) return;
    const message = `${damage.message} (this could not be recorded: ${unnoted})`;
    this.#found = decodeFailure({ ...encodeFailure(damage), message }, damage);
  }

  /**
   * Throws the damage, and looks for it: the names must still be those of the files in progress. Failure `disk.failed` while the
   * whole directory is elsewhere.
   */
  check(): void {
    if (this.#found !== undefined) throw this.#found;
    const directory = dirname(this.#path);
    if (identityOf(directory) !== this.#names.get(directory)) {
      throw new Failure(
        "disk.failed",
        `cannot reach the database ${this.#path}: its directory was moved, unmounted or replaced`,
        {
          hint: "put the directory back, or mount its disk again",
          retry: "later",
        },
      );
    }
    for (const name of [this.#path, `${this.#path}-wal`]) {
      const now = identityOf(name);
      if (now === this.#names.get(name)) continue;
      this.#whole = true;
      const how = now === undefined ? "removed" : "replaced by another file";
      this.note(decodeFailure(damagedDatabase(this.#path, `${basename(name)} was ${how} while it was in use`)));
      throw this.#found ?? new Error("damage was noted and is not there");
    }
  }

  /** The same, and from time to time reads both ends of every table from the disk: what is in memory says nothing of it. */
  look(): void {
    this.check();
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = nowMs;
    this.attempt(() => readEndsOf(this.#path));
  }

  /** Closes the database; `closingNote` says what a person should know of it. */
  close(): void {
    if (!this.#db.open) return;
    try {
      if (this.#found === undefined) {
        this.#lookedMs = Number.NEGATIVE_INFINITY;
        this.look();
      }
    } catch (error) {
      if (!isDamage(error)) {
        closeAsOneFile(this.#db);
        throw error;
      }
    }
    if (this.#found === undefined) closeAsOneFile(this.#db);
    else if (this.#whole) this.closingNote = this.#save();
    else closeAsItIs(this.#db, this.#path);
  }

  /** What is in progress gets its name back, or one next to the file that took its place. */
  #save(): string {
    if (identityOf(this.#path) === this.#names.get(this.#path)) {
      closeAsOneFile(this.#db);
      forgetDamage(this.#path);
      return `the log of ${basename(this.#path)} was removed while it was in use; everything in it is in the database`;
    }
    const directory = dirname(this.#path);
    const copy = join(directory, `.${basename(this.#path)}.${randomBytes(4).toString("hex")}${PARTIAL_SUFFIX}`);
    try {
      this.#db.prepare("VACUUM INTO ?").run(copy);
      syncFile(copy);
      const isFree = !existsSync(this.#path);
      const name = isFree ? this.#path : `${this.#path}.rescued-${Date.now()}`;
      for (const end of isFree ? ["-wal", "-shm"] : []) rmSync(`${this.#path}${end}`, { force: true });
      renameSync(copy, name);
      syncDirectory(directory);
      if (isFree) forgetDamage(this.#path);
      return isFree
        ? `${basename(name)} was removed while it was in use and has been restored unchanged`
        : `${basename(this.#path)} was replaced while it was in use: the data of the run is in ${basename(name)}; put the right file in place`;
    } finally {
      rmSync(copy, { force: true });
      this.#db.close();
    }
  }
}

/** Tells a file from any other; undefined where there is none. */
function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev} ${stats.ino}`;
}

/** Leaves file and log as they are: folding a log into a damaged file could overwrite what can still be read. */
function closeAsItIs(db: Database.Database, path: string): void {
  // The last connection to close folds the log in, unless it may only read.
  let last: Database.Database | undefined;
  try {
    last = new Database(path, { readonly: true, fileMustExist: true });
    last.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch (error) {
    // It cannot even be opened: then SQLite cannot fold anything into it either.
    if (encodeFailure(error).code === "internal") throw error;
  } finally {
    db.close();
    last?.close();
  }
}

/** Folds the log in and leaves it off, so that a stopped experiment is one plain file, readable on any medium. */
function closeAsOneFile(db: Database.Database): void {
  try {
    db.pragma("busy_timeout = 0");
    db.pragma("journal_mode = DELETE");
  } catch (error) {
    // Another process is reading: the log stays next to the file, which is just as safe.
    if (encodeFailure(error).code !== "manifest.locked") throw error;
  } finally {
    db.close();
  }
}
