// An open manifest file, as all other modules use it. opening.ts and reading.ts open it.
import type Database from "better-sqlite3";
import type { Failure } from "../failure/failure.ts";

/** An open manifest file. `write` is the only way to change it. All errors are Failures. */
export interface Connection {
  readonly db: Database.Database;
  /** Directory of the manifest file, absolute. */
  readonly directory: string;
  /**
   * Runs `change` in one transaction: when this returns, all of it is on the disk; otherwise none of it ever is. Refuses to write
   * to a database that was found damaged, except for a `last` change, which returns claims of this process to the queue.
   */
  write<T>(change: () => T, options?: { readonly last?: boolean }): T;
  /** Damage that this process has found; undefined if there is none. */
  readonly damage: Failure | undefined;
  /** Records damage that another connection has found. */
  noteDamage(damage: Failure): void;
  /** Sets how long a write, and with it the whole thread, blocks while another program has the file locked. */
  blockOnLock(limitMs: number): void;
  /** Throws the known damage; checks the file on the disk again if the last check is some seconds old. */
  look(): void;
  close(): void;
  /** One line for people about how the file was closed; undefined if there is nothing to say. */
  readonly closingNote: string | undefined;
}
