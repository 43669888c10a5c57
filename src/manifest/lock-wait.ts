// Writes that wait for another program's lock on the database. SQLite can only wait by blocking the whole thread, and with it the
// page, timers and captures. Here a write is tried briefly, then again every tenth of a second until it succeeds. Waiting writes
// keep their order.
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { lockedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, Failure } from "../failure/failure.ts";
import type { Connection } from "./connection.ts";

const TRY_EVERY_MS = 100;
/** How long a write blocks for a lock that is usually held for milliseconds. */
const BLOCK_ON_LOCK_MS = 50;
/** Number of writes made at a time after the lock is free; timers and captures run in between. */
const IN_ONE_GO = 16;
/** How long a write waits by default. */
const LONGEST_WAIT_MS = 60_000;

interface Waiting {
  attempt(): void;
  reject(error: unknown): void;
  readonly untilMs: number;
}

export interface LockEvents {
  /** Called when a write has to wait. */
  locked?(failure: Failure): void;
  /** Called when nothing waits any more; `waited` writes did, the first of them for `forMs`. */
  freed?(waited: number, forMs: number): void;
}

export class LockWait {
  readonly #connection: Connection;
  readonly #queue: Waiting[] = [];
  #events: LockEvents = {};
  #limitMs = LONGEST_WAIT_MS;
  #timer: NodeJS.Timeout | undefined;
  #sinceMs = 0;
  #waited = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Whether writes are waiting now. */
  get isLocked(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * For a thread that must not block: from now on no write blocks for more than a moment, and `write` waits for up to `limitMs`.
   */
  neverBlockOnLock(limitMs: number, events: LockEvents): void {
    this.#limitMs = limitMs;
    this.#events = events;
    this.#connection.blockOnLock(BLOCK_ON_LOCK_MS);
  }

  /** Gives up everything that waits, now or later, `limitMs` from now. */
  endWithin(limitMs: number): void {
    this.#deadlineMs = performance.now() + limitMs;
  }

  /**
   * Makes `change`, at once if possible, otherwise as soon as the lock is free. Rejects with what `change` throws, or with
   * Failure `manifest.locked` if the lock is held for too long.
   */
  async write<T>(change: () => T): Promise<T> {
    if (this.#queue.length === 0) {
      try {
        return change();
      } catch (error) {
        if (!isLocked(error)) throw error;
        this.#begin(error);
      }
    }
    return await new Promise<T>((resolve, reject) => {
      const untilMs = performance.now() + this.#limitMs;
      this.#queue.push({ attempt: () => resolve(change()), reject, untilMs });
      this.#waited += 1;
      this.#timer ??= setTimeout(() => this.#tryAgain(), TRY_EVERY_MS);
    });
  }

  #begin(failure: Failure): void {
    this.#sinceMs = performance.now();
    this.#waited = 0;
    // A failed attempt must not block while the lock is still held.
    this.#connection.blockOnLock(0);
    this.#events.locked?.(failure);
  }

  #tryAgain(): void {
    this.#timer = undefined;
    let locked = false;
    for (let made = 0; made < IN_ONE_GO && !locked && this.#queue.length > 0; made += 1) locked = this.#tryFirst();
    if (this.#queue.length > 0) {
      this.#timer = setTimeout(() => this.#tryAgain(), locked ? TRY_EVERY_MS : 0);
      return;
    }
    this.#connection.blockOnLock(BLOCK_ON_LOCK_MS);
    this.#events.freed?.(this.#waited, performance.now() - this.#sinceMs);
  }

  /** Tries the first waiting write. Returns true if the lock is still held and the write keeps waiting. */
  #tryFirst(): boolean {
    const [first] = this.#queue;
    if (first === undefined) return false;
    try {
      first.attempt();
    } catch (error) {
      const nowMs = performance.now();
      if (isLocked(error) && nowMs < first.untilMs && nowMs < this.#deadlineMs) return true;
      first.reject(error);
    }
    this.#queue.shift();
    return false;
  }
}

function isLocked(error: unknown): error is Failure {
  return error instanceof Failure && error.code === "manifest.locked";
}

/**
 * Whether another program keeps the manifest `file` locked for writing for at least `patienceMs`. False if that cannot be found
 * out: opening it will report the reason.
 */
export function isLockedByOther(file: string, patienceMs: number): boolean {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { fileMustExist: true, timeout: patienceMs });
    db.exec("BEGIN IMMEDIATE");
    db.exec("ROLLBACK");
    return false;
  } catch (error) {
    return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
  } finally {
    db?.close();
  }
}

/**
 * Resolves when no other program has the manifest `file` locked. Calls `announce` once if it has to wait. Rejects with Failure
 * `manifest.locked` after `limitMs`, or when `signal` is aborted.
 */
export async function untilUnlocked(
  file: string,
  { limitMs, announce, signal }: { limitMs: number; announce(failure: Failure): void; signal: AbortSignal },
): Promise<void> {
  const untilMs = performance.now() + limitMs;
  for (let waits = 0; isLockedByOther(file, BLOCK_ON_LOCK_MS); waits += 1) {
    const failure = decodeFailure(lockedDatabase(file));
    if (performance.now() >= untilMs || signal.aborted) throw failure;
    if (waits === 0) announce(failure);
    await sleep(TRY_EVERY_MS);
  }
}
