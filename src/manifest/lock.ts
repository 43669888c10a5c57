// The lock that allows only one process per experiment. It is an exclusive transaction on a small second SQLite file: the
// operating system frees it when the process ends, in any way, so there are no stale locks.
//
// Nothing else in the process may open and close this file (or the manifest) by other means: closing any descriptor of a file
// drops all of the process's locks on it. Copies are made with SQLite's own backup.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Failure } from "../failure/failure.ts";
import { PARTIAL_SUFFIX } from "../system/files.ts";
import { mountOf } from "../system/mounts.ts";

const LOCK_FILENAME = "phorest.lock";
/** Names the process that holds the lock, for the message to a process that is refused. Meaningless while the lock is free. */
const HOLDER_FILENAME = "phorest.holder.json";

export interface ExperimentLock {
  /** One-line warning if locking or databases are unreliable in this place; undefined otherwise. */
  readonly warning: string | undefined;
  readonly holder: Holder;
  /** The process that held the lock before and was killed. */
  readonly died: Holder | undefined;
  /** Releases the lock; a second call does nothing. */
  release(): void;
}

export interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  /** Address of its web page, once the page is up. */
  readonly page?: string | undefined;
}

/** Open locks of this process. Without a reference, the garbage collector would close a lock and so free it. */
const held = new Set<Database.Database>();

/**
 * Locks the experiment in `dataDir` for this process until it releases it or ends. Throws Failure `experiment.locked`, which
 * names the process that has the lock.
 */
export function lockExperiment(dataDir: string): ExperimentLock {
  if (!existsSync(dataDir)) {
    throw new Failure("experiment.unusable", `the data directory ${dataDir} does not exist`, {
      hint: "create it, or correct Paths.data_dir",
    });
  }
  const path = join(dataDir, LOCK_FILENAME);
  const db = openLock(path);
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw unusable(path, error);
    throw new Failure("experiment.locked", `another phorest is using ${dataDir}: ${described(readHolder(dataDir))}`, {
      hint: "stop it first, or give this run its own Paths.data_dir",
      retry: "later",
    });
  }
  // A process that released the lock has removed its note, so this one was killed.
  const died = readHolder(dataDir);
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  const note = join(dataDir, HOLDER_FILENAME);
  try {
    writeFileSync(note, `${JSON.stringify(holder)}\n`);
  } catch (error) {
    db.close();
    throw error;
  }
  held.add(db);
  const network = networkFileSystem(dataDir);
  return {
    warning:
      network === undefined
        ? undefined
        : `${dataDir} is on a network file system (${network}): locks and durability are not reliable there; keep Paths.data_dir on a local disk and sync to the share`,
    holder,
    died,
    release: () => {
      if (!held.delete(db)) return;
      // Must come before the lock is released: afterwards, the note may already be that of the next holder.
      rmSync(note, { force: true });
      db.close();
    },
  };
}

/** Tells other programs where this process, which holds the experiment's lock, serves its page. */
export function notePage(dataDir: string, page: string): void {
  const holder = readHolder(dataDir);
  if (holder?.pid !== process.pid) return;
  const note = join(dataDir, HOLDER_FILENAME);
  const temporary = `${note}.${process.pid}${PARTIAL_SUFFIX}`;
  writeFileSync(temporary, `${JSON.stringify({ ...holder, page })}\n`);
  renameSync(temporary, note);
}

/** Returns the process that works on the experiment now; undefined if there is none. Takes no lock and writes nothing. */
export function experimentHolder(dataDir: string): Holder | undefined {
  const path = join(dataDir, LOCK_FILENAME);
  if (!existsSync(path)) return undefined;
  const db = new Database(path, { readonly: true, timeout: 0 });
  try {
    // The holder's exclusive transaction blocks even readers.
    db.prepare("SELECT count(*) FROM sqlite_master").get();
    return undefined;
  } catch (error) {
    if (!isBusy(error)) throw unusable(path, error);
    return readHolder(dataDir) ?? { pid: 0, host: "unknown", since: "unknown" };
  } finally {
    db.close();
  }
}

/** File system types, in the table of mounts, that are on another machine. */
const NETWORK =
  /^(nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|lustre|gpfs|beegfs|ncpfs|davfs|fuse\.(sshfs|glusterfs|rclone|s3fs|davfs2?|cephfs|ceph|smbnetfs|gvfsd-fuse))$/;

/**
 * Returns the type of the network file system that `directory` is on; undefined if it is local.
 * @param table the text of /proc/self/mountinfo.
 */
export function networkFileSystem(directory: string, table?: string): string | undefined {
  const type = mountOf(directory, table)?.type ?? "";
  return NETWORK.test(type) ? type : undefined;
}

function openLock(path: string): Database.Database {
  try {
    return new Database(path, { timeout: 0 });
  } catch (error) {
    throw unusable(path, error);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}

function unusable(path: string, cause: unknown): Failure {
  return new Failure("experiment.unusable", `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    hint: "check that the data directory is writable; the lock file may be deleted while no run is active",
    cause,
  });
}

function readHolder(dataDir: string): Holder | undefined {
  const path = join(dataDir, HOLDER_FILENAME);
  if (!existsSync(path)) return undefined;
  try {
    const holder: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isHolder(holder) ? holder : undefined;
  } catch {
    // The note is just being written: that the lock is held matters, not the name in it.
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "host" in value &&
    typeof value.host === "string" &&
    "since" in value &&
    typeof value.since === "string" &&
    (!("page" in value) || typeof value.page === "string")
  );
}

function described(holder: Holder | undefined): string {
  return holder === undefined
    ? "a process that has just started"
    : `process ${holder.pid} on ${holder.host}, since ${holder.since}`;
}
