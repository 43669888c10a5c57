// Watches the database file that this process writes: whether it can still be trusted, and how it is closed. Data written to a
// damaged or deleted file is lost, and so may be the images that are removed because of its rows.
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { damagedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, encodeFailure, Failure } from "../failure/failure.ts";
import { PARTIAL_SUFFIX, syncDirectory, syncFile } from "../system/files.ts";
import { type Attempt, attemptOn, isDamage } from "./guarded.ts";
import { forgetDamage, noteDamage, readEndsOf } from "./soundness.ts";

/** How long the result of a check (some milliseconds) is trusted. */
const LOOK_EVERY_MS = 10_000;

export class WatchedFile {
  /** Runs work on the database and records the damage that it meets. */
  readonly attempt: Attempt;
  closingNote: string | undefined;
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #names: ReadonlyMap<string, string | undefined>;
  #found: Failure | undefined;
  /** The open file is intact: only its name was removed or changed. */
  #whole = false;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** `db` must have written already, so that its log exists. */
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

  /** Records the first damage, also next to the file for the next process. */
  note(damage: Failure): void {
    if (this.#found !== undefined) return;
    this.#found = damage;
    const unnoted = noteDamage(this.#path, damage);
    if (unnoted === undefined) return;
    const message = `${damage.message} (this could not be recorded: ${unnoted})`;
    this.#found = decodeFailure({ ...encodeFailure(damage), message }, damage);
  }

  /**
   * Checks that the names still lead to the open files; throws the damage. Throws Failure `disk.failed` while the whole directory
   * is elsewhere.
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

  /**
   * Does the same, and from time to time also reads both ends of every table from the disk, because cached pages say nothing
   * about it.
   */
  look(): void {
    this.check();
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = nowMs;
    this.attempt(() => readEndsOf(this.#path));
  }

  /** Closes the database; `closingNote` then says what people should know about it. */
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

  /** Gives the open files their names back, or saves them next to the files that replaced them. */
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

/** Returns what identifies a file; undefined if it does not exist. */
function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev} ${stats.ino}`;
}

/** Leaves file and log as they are: applying a log to a damaged file could overwrite what can still be read. */
function closeAsItIs(db: Database.Database, path: string): void {
  // The last connection to close applies the log, unless it is read-only.
  let last: Database.Database | undefined;
  try {
    last = new Database(path, { readonly: true, fileMustExist: true });
    last.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch (error) {
    // It cannot even be opened, so SQLite cannot apply the log either.
    if (encodeFailure(error).code === "internal") throw error;
  } finally {
    db.close();
    last?.close();
  }
}

/** Applies the log and turns it off, so that a stopped experiment is one plain file that can be read on any medium. */
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
