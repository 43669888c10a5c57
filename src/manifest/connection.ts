// One open manifest file, as everything that asks it anything sees it. How it is opened is in opening.ts and reading.ts.
import type Database from "better-sqlite3";
import type { Failure } from "../failure/failure.ts";

/** An open manifest file. `write` is the only way to change it. All errors are Failures. */
export interface Connection {
  readonly db: Database.Database;
  /** Directory of the manifest file, absolute. */
  readonly directory: string;
  /**
   * Runs `change` in one transaction: all of it is on the disk when this returns, or nothing of it ever. A database that
   * was found damaged is not written to any more, but for a `last` change that gives back what this process had taken.
   */
  write<T>(change: () => T, options?: { readonly last?: boolean }): T;
  /** The damage that this process has found; undefined while there is none. */
  readonly damage: Failure | undefined;
  /** Takes note of damage that another connection has found. */
  noteDamage(damage: Failure): void;
  /** How long a write stands still, and all of this thread with it, while another program holds the file locked. */
  blockOnLock(limitMs: number): void;
  /** Throws the damage; looks for it on the disk if the last look is some seconds ago. */
  look(): void;
  close(): void;
  /** What a person should know of how it was closed, in one line; undefined for nothing. */
  readonly closingNote: string | undefined;
}
