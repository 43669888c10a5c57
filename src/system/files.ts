// The only place that writes the program's files. A file is either absent or complete: bytes are written under a temporary name
// in the same directory and flushed to the disk, then the file is renamed and the directory is flushed. So neither a kill nor a
// power cut leaves half an image under a real name.
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { type FileHandle, open, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode, hasCode } from "../failure/error-code.ts";

/** Suffix of unfinished files. A file with this suffix is never read as an image. */
export const PARTIAL_SUFFIX = ".part";

/** Number of digits of the hash in a temporary name: enough to distinguish all files of a directory. */
const HASH_DIGITS = 16;

/**
 * Returns the temporary name for a file while it is written, in the same directory. It is the same for the same name and `tag`,
 * and different for any other. It is always short, so that every file system that accepts the image's name accepts it too.
 */
export function temporaryPath(path: string, tag: string): string {
  const hash = createHash("sha256")
    .update(`${basename(path)}\0${tag}`)
    .digest("hex")
    .slice(0, HASH_DIGITS);
  return join(dirname(path), `.${hash}${PARTIAL_SUFFIX}`);
}

/** Content of a file; pieces are written one after the other. */
export type FileContent = Uint8Array | string | Iterable<string> | AsyncIterable<string>;

/**
 * Writes `bytes` to `path` so that the name never has less than all of them; durable when the promise resolves. Replaces an
 * existing file. Leaves no temporary file if it fails. `check` gets the temporary file after it is flushed and before it is
 * renamed; if it throws, the write fails.
 */
export async function writeDurably(
  path: string,
  bytes: FileContent,
  check?: (temporary: string) => Promise<void>,
): Promise<void> {
  await writeTogether([[path, bytes]], check);
}

/**
 * Writes several files of one directory so that none of their names changes before the bytes of all are on the disk. The last one
 * is renamed last: a reader that finds it new finds the others new as well.
 */
export async function writeTogether(
  files: readonly (readonly [path: string, bytes: FileContent])[],
  check?: (temporary: string) => Promise<void>,
): Promise<void> {
  const written: { temporary: string; path: string }[] = [];
  let handle: FileHandle | undefined;
  let at = "";
  try {
    // The only thing that could make a rename fail after others have succeeded.
    const directory = files
      .map(([path]) => path)
      .find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
    if (directory !== undefined)
      throw Object.assign(new Error("it is a directory, not a file"), { code: "EISDIR", path: directory });
    for (const [path, bytes] of files) {
      at = path;
      const temporary = temporaryPath(path, randomBytes(4).toString("hex"));
      written.push({ temporary, path });
      handle = await open(temporary, "wx");
      await writeFile(handle, bytes);
      await handle.sync();
      const whole = handle;
      handle = undefined;
      // Network shares report some failed writes only when the file is closed.
      await whole.close();
      await check?.(temporary);
    }
    for (const { temporary, path } of written) await rename(temporary, path);
  } catch (error) {
    // Report the first error, not those of the clean-up.
    await Promise.allSettled([handle?.close()]);
    await Promise.allSettled(written.map(({ temporary }) => rm(temporary, { force: true })));
    // The error of a full disk names no file, and others name the temporary one, which means nothing to the user.
    if (error instanceof Error && "syscall" in error) Object.assign(error, { path: at });
    throw error;
  }
  for (const directory of new Set(written.map(({ path }) => dirname(path)))) syncDirectory(directory);
}

/**
 * Does the same without flushing to the disk: readers see the old file or the new one, never half of one, but a power cut may
 * lose it. For files that are rewritten often.
 */
export async function replaceWithoutFlush(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryPath(path, randomBytes(4).toString("hex"));
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Flushes a file to the disk. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Flushes a directory's entries, so that a rename in it survives a power cut. Does nothing if the file system cannot flush a
 * directory: many network file systems refuse it, and their server has processed a name when the call returns.
 */
export function syncDirectory(directory: string): void {
  try {
    const descriptor = openSync(directory, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!isFlushRefusal(error)) throw error;
  }
}

/** Does the same without blocking the thread, for directories on a share. */
export async function flushDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isFlushRefusal(error)) throw error;
  }
}

/** Codes with which file systems say that a directory cannot be flushed; a failing or full disk gives others. */
const FLUSH_REFUSED = new Set([
  ...["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOTTY"],
  ...["EBADF", "EISDIR", "EACCES", "EPERM"],
]);

function isFlushRefusal(error: unknown): boolean {
  return hasCode(error, ...FLUSH_REFUSED);
}

/**
 * Creates a directory and its parents, one after the other: Node's own recursive version never returns in places such as /proc,
 * where a parent exists but nothing can be created in it.
 */
export async function ensureDirectory(directory: string): Promise<void> {
  makeDirectory(directory);
}

/** Does the same synchronously. */
export function makeDirectory(directory: string): void {
  if (existsSync(directory)) {
    if (!statSync(directory).isDirectory())
      throw Object.assign(new Error(`${directory}: not a directory`), { code: "ENOTDIR" });
    return;
  }
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  try {
    mkdirSync(directory);
  } catch (error) {
    // Another process has created it in the meantime.
    if (!existsSync(directory)) throw error;
  }
}

/**
 * Removes files that a killed process left unfinished, unless they were changed less than `untouchedMs` ago; returns their names.
 */
export function sweepPartials(directory: string, untouchedMs = 0): string[] {
  if (!existsSync(directory)) return [];
  const stale = readdirSync(directory, { withFileTypes: true })
    // A directory or a link with such a name is not ours.
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .filter((name) => name.startsWith(".") && name.endsWith(PARTIAL_SUFFIX))
    .filter((name) => untouchedMs === 0 || ageMs(join(directory, name)) > untouchedMs);
  // If one cannot be removed (a directory, an immutable file), it does no harm.
  return stale.filter((name) => wasRemoved(join(directory, name)));
}

function wasRemoved(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch (error) {
    if (errorCode(error) !== undefined) return false;
    throw error;
  }
}

function ageMs(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

/** Returns the size of a file in bytes, or undefined if it does not exist. */
export function fileSize(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

let root: string | undefined;

/** Returns the directory of the installed program, which contains package.json, chips/ and the kernel. */
export function packageRoot(): string {
  if (root !== undefined) return root;
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(directory, "package.json");
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).name === "phorest") break;
    const parent = resolve(directory, "..");
    if (parent === directory) throw new Error("cannot find the directory of the program");
    directory = parent;
  }
  root = directory;
  return root;
}

/** Returns the program's version, from package.json. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")).version;
}
