// Checks whether an unpacked directory still contains what was unpacked. Hashing 40 MB at every start takes too long, so a record
// of each file's size and times is kept in the directory. A file that differs from its record is hashed.
import { createHash } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { remove, temporaryName } from "./leftovers.ts";
import { checkDirectory, checkFile, ownUser, statOf, UntrustedError } from "./trusted.ts";

/** A file of the unpacked directory. */
export interface PackedFile {
  /** Relative to the directory, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The table of contents of an executable. */
export interface Packing {
  readonly version: string;
  /** SHA-256 over the files' paths and hashes, hex. */
  readonly digest: string;
  readonly files: readonly PackedFile[];
}

/** The result: nothing there, all files as they were packed, or a file that is missing or changed. */
export type Condition =
  | { readonly is: "absent" }
  | { readonly is: "whole" }
  | { readonly is: "damaged"; readonly why: string };

/** Size, time of the last content change, and time of the last change of any kind of a file, in nanoseconds. */
type Times = readonly [bytes: string, contents: string, anything: string];

const RECORD = ".unpacked";
/**
 * Files up to this size are hashed at every start, even if the record matches. It takes about 10 ms, and includes all files that
 * load the others.
 */
const ALWAYS_READ_BYTES = 262_144;
const READ_ONLY = 0o555;

/**
 * Checks every file of `packing` below `directory`, whose parent must be safe. With `readAll`, the record of times is ignored.
 * Throws an UntrustedError if another user could write to any of it, or if a file was replaced by a link.
 */
export function inspect(directory: string, packing: Packing, { readAll = false } = {}): Condition {
  try {
    return compare(directory, packing, readAll);
  } catch (error) {
    if (error instanceof UntrustedError || !(error instanceof Error)) throw error;
    // A bad sector, a directory without access, a directory in place of a file: unpacking again repairs it.
    const { path = directory }: NodeJS.ErrnoException = error;
    return damaged(path, `cannot be read (${error.message.replace(/^E[A-Z]+: |, \w+(?: '.*)?$/gs, "")})`);
  }
}

function compare(directory: string, packing: Packing, readAll: boolean): Condition {
  const found = statOf(directory);
  if (found === undefined) return { is: "absent" };
  for (const inside of directoriesOf(packing)) {
    const path = join(directory, inside);
    const below = statOf(path);
    if (below === undefined) return damaged(path, "is missing");
    checkDirectory(path, below, { whole: directory });
  }
  const files = new Map<PackedFile, BigIntStats>();
  for (const packed of packing.files) {
    // Joined by hand: at each start, path.join would take as long as checking the files.
    const path = `${directory}/${packed.path}`;
    const file = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (file === undefined) return damaged(path, "is missing");
    checkFile(path, file, directory);
    if (Number(file.size) !== packed.bytes) return damaged(path, `has ${file.size} bytes instead of ${packed.bytes}`);
    files.set(packed, file);
  }
  const recorded = readAll ? {} : readRecord(directory);
  const changed = new Set([...files].filter(changedSince(recorded, files)).map(([packed]) => packed));
  for (const packed of files.keys()) {
    if (packed.bytes > ALWAYS_READ_BYTES && !changed.has(packed)) continue;
    const full = `${directory}/${packed.path}`;
    if (hashOf(readFileSync(full)) !== packed.sha256) return damaged(full, "was changed");
  }
  if (changed.size > 0 && found.uid === ownUser()) {
    replaceRecord(directory, Object.fromEntries([...files].map(([{ path }, file]) => [path, timesOf(file)])));
  }
  return { is: "whole" };
}

/** SHA-256, hex. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Returns every directory that the files are in, relative, parents first; the first one is "". */
export function directoriesOf({ files }: Packing): string[] {
  const found = new Set([""]);
  for (const { path } of files) {
    const names = path.split("/").slice(0, -1);
    for (const depth of names.keys()) found.add(names.slice(0, depth + 1).join("/"));
  }
  return [...found];
}

/** Writes a new read-only file, and flushes it to the disk. */
export function writeFile(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, "wx", READ_ONLY);
  try {
    fchmodSync(descriptor, READ_ONLY);
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    // Whole seconds: the layers of a container image do not keep fractions.
    const now = Math.floor(Date.now() / 1000);
    futimesSync(descriptor, now, now);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the record of files that were just written below `directory`. */
export function recordFiles(directory: string, { files }: Packing): void {
  const times = files.map(({ path }) => [path, timesOf(lstatSync(join(directory, path), { bigint: true }))] as const);
  writeFile(join(directory, RECORD), Buffer.from(JSON.stringify(Object.fromEntries(times))));
}

/** Makes the next start hash every file below `directory`. */
export function forgetRecord(directory: string): boolean {
  return remove(join(directory, RECORD));
}

/** If the record cannot be replaced, as on a read-only disk, the next start takes longer and nothing else. */
function replaceRecord(directory: string, present: Readonly<Record<string, Times>>): boolean {
  const temporary = join(dirname(directory), temporaryName(basename(directory)));
  try {
    writeFile(temporary, Buffer.from(JSON.stringify(present)));
    renameSync(temporary, join(directory, RECORD));
    return true;
  } catch {
    return !remove(temporary);
  }
}

function readRecord(directory: string): Readonly<Record<string, Times>> {
  const path = join(directory, RECORD);
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return {};
  checkFile(path, found, directory);
  try {
    return JSON.parse(readFileSync(path, "utf8")) ?? {};
  } catch {
    // Cut short by a power cut: all files are hashed.
    return {};
  }
}

function timesOf({ size, mtimeNs, ctimeNs }: BigIntStats): Times {
  return [`${size}`, `${mtimeNs}`, `${ctimeNs}`];
}

/**
 * Returns the files that differ from their record. A copy made by root that this user cannot change may come from a container
 * image or a backup. Then the time of the last change of any kind is that of the copying, for every file.
 */
function changedSince(recorded: Readonly<Record<string, Times>>, files: ReadonlyMap<PackedFile, BigIntStats>) {
  const differs = (packed: PackedFile, file: BigIntStats, upTo: number) => {
    const times = recorded[packed.path];
    return !Array.isArray(times) || timesOf(file).some((time, i) => i < upTo && time !== times[i]);
  };
  const isCopied = [...files].every(
    ([packed, file]) => Number(file.uid) !== ownUser() && differs(packed, file, 3) && !differs(packed, file, 2),
  );
  return ([packed, file]: [PackedFile, BigIntStats]) => differs(packed, file, isCopied ? 2 : 3);
}

function damaged(path: string, why: string): Condition {
  return { is: "damaged", why: `${path} ${why}` };
}
