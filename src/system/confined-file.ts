// Opens, reads and removes a file by its name in a directory, and nothing else: no link is followed, no directory, device or pipe
// is taken for a file, and the directory that was opened is the one that is used. Node has no openat(2); /proc/self/fd/N/NAME
// does the same on Linux.
//
// Every file whose name comes from a database, an archive, a share or a watched directory is opened here. Paths that the user
// gives on the command line or in the configuration are the user's choice and may be links.
import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type DigestOptions, digestFile } from "./digest.ts";
import { checkFileName, pathComponents, printable } from "./file-name.ts";

/** The recorded size and hash of a file; undefined if not recorded. */
export interface RecordedContent {
  readonly bytes?: number | undefined;
  /** Hexadecimal SHA-256. */
  readonly sha256?: string | undefined;
}

/** A file, given by the directory it belongs to, which may be a link, and its path below that, which must not contain one. */
export interface NamedFile {
  readonly directory: string;
  /** Relative: a name, or directories and a name. */
  readonly path: string;
  /** Follow a link at the end of the path. Only if the user has allowed it (Camera.follow_links). */
  readonly followLinks?: boolean;
  /** One page of a multi-page file, counted from 0. Absent: the file itself, or its only image. */
  readonly page?: number | undefined;
}

/** Returns the path of a file for people. */
export function shownPath({ directory, path }: NamedFile): string {
  return join(directory, path);
}

/** An open regular file. `path` is for messages. */
export interface ConfinedFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly bytes: number;
}

export interface ConfinedOptions {
  /** Follow a link at the end of the path. Only if the user has allowed it (Camera.follow_links). */
  readonly followLinks?: boolean;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
/** O_NONBLOCK: opening a pipe without a writer must not block. */
const FILE = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Opens `path` below `directory`, calls `use`, and closes the file. `directory` itself may be a link (it is the user's choice),
 * `path` must not contain one. Failures: `file.refused` (not a plain relative path, a link, not a regular file), `file.missing`.
 * Throws errors of the disk with the path.
 */
export async function withConfinedFile<T>(
  directory: string,
  path: string,
  use: (file: ConfinedFile) => Promise<T>,
  { followLinks = false }: ConfinedOptions = {},
): Promise<T> {
  return inDirectoryOf(directory, path, (parent, name) =>
    withEntry(() => openEntry(parent, name, join(directory, path), followLinks), join(directory, path), use),
  );
}

/**
 * Does the same for a file directly in `directory`, without opening the directory first: for checks of very many files, of which
 * nothing is copied or removed.
 */
export async function withFileDirectlyIn<T>(
  directory: string,
  name: string,
  use: (file: ConfinedFile) => Promise<T>,
  { followLinks = false }: ConfinedOptions = {},
): Promise<T> {
  checkFileName(name, directory);
  const shown = join(directory, name);
  return withEntry(() => openEntry(directory, name, shown, followLinks), shown, use);
}

/**
 * Returns the result of `use` for the file that `open` returns, if it is a regular file; then closes it. `shown`: its path in
 * messages.
 */
async function withEntry<T>(
  open: () => Promise<FileHandle>,
  shown: string,
  use: (file: ConfinedFile) => Promise<T>,
): Promise<T> {
  const handle = await open();
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw refused(shown, kindOf(status));
    return await use({ handle, path: shown, bytes: status.size });
  } finally {
    await handle.close();
  }
}

/**
 * Returns the bytes of a file below `directory`. Throws as withConfinedFile does, `file.refused` if it is larger than
 * `limitBytes`, `file.changed` if it was written to while it was read.
 */
export async function readConfined(
  directory: string,
  path: string,
  limitBytes: number,
  options: ConfinedOptions = {},
): Promise<Buffer> {
  return withConfinedFile(directory, path, (file) => readOpened(file, limitBytes), options);
}

/** Returns the bytes of an open file, in one buffer. Throws as readConfined does. */
export async function readOpened(file: ConfinedFile, limitBytes: number): Promise<Buffer> {
  if (file.bytes > limitBytes) throw refused(file.path, `larger than ${limitBytes} bytes`);
  return readUnchanged(file, () => readAll(file));
}

/**
 * Returns the result of `read` for an open file and its status. Throws Failure `file.changed` if the file was written to
 * meanwhile.
 */
export async function readUnchanged<T>(
  { handle, path, bytes }: ConfinedFile,
  read: (status: BigIntStats) => Promise<T>,
): Promise<T> {
  const before = await handle.stat({ bigint: true });
  const result = await read(before);
  // It may have grown since it was opened, or may change now.
  const whole = before.size === BigInt(bytes);
  if (!whole || !sameContent(before, await handle.stat({ bigint: true }))) throw contentChanged(path);
  return result;
}

async function readAll({ handle, path, bytes }: ConfinedFile): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let have = 0;
  while (have < bytes) {
    // In one call: readFile reads half a megabyte at a time, each with a trip through the thread pool.
    const { bytesRead } = await handle.read(buffer, have, bytes - have, have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  if (have < bytes) throw contentChanged(path);
  return buffer;
}

/** Returns the size and SHA-256 of an open file. Throws Failure `file.changed` if it was written to meanwhile. */
export async function digestOpened(
  file: ConfinedFile,
  options: Pick<DigestOptions, "progress"> = {},
): Promise<Required<RecordedContent>> {
  const before = await file.handle.stat({ bigint: true });
  const digest = await digestFile(descriptorPath(file.handle), options);
  const whole = digest.bytes === file.bytes;
  if (!whole || !sameContent(before, await file.handle.stat({ bigint: true }))) throw contentChanged(file.path);
  return digest;
}

/**
 * Removes a file below `directory` if it is the recorded one: a regular file, not a link, of this size and hash. Returns false if
 * it does not exist. Throws `file.refused`, `file.changed` (its content is not the recorded one), and errors of `lastCheck`,
 * which is called immediately before the removal; nothing is removed then. The caller flushes the directory.
 */
export async function removeConfined(
  directory: string,
  path: string,
  recorded: RecordedContent,
  lastCheck: () => void = () => undefined,
): Promise<boolean> {
  try {
    return await inDirectoryOf(directory, path, async (parent, name) => {
      const shown = join(directory, path);
      const handle = await openEntry(parent, name, shown, false);
      try {
        const status = await handle.stat();
        if (!status.isFile()) throw refused(shown, kindOf(status));
        await checkRecorded({ handle, path: shown, bytes: status.size }, recorded);
        await checkSameEntry(parent, name, shown, handle);
      } finally {
        await handle.close();
      }
      lastCheck();
      await unlink(join(parent, name)).catch(withPath(shown));
      return true;
    });
  } catch (error) {
    if (error instanceof Failure && error.code === "file.missing") return false;
    throw error;
  }
}

/** Throws Failure `file.changed` unless an open file has the recorded size and hash. */
export async function checkRecorded(file: ConfinedFile, { bytes, sha256 }: RecordedContent): Promise<void> {
  if (bytes !== undefined && bytes !== file.bytes) throw contentChanged(file.path);
  if (sha256 !== undefined && (await digestOpened(file)).sha256 !== sha256) throw contentChanged(file.path);
}

/** Opens the directory that contains `path`, component by component, and calls `use` with a path to it that stays valid. */
async function inDirectoryOf<T>(
  directory: string,
  path: string,
  use: (parent: string, name: string) => Promise<T>,
): Promise<T> {
  const components = pathComponents(path, directory);
  const name = components.pop() ?? "";
  let shown = directory;
  let parent = await open(directory, DIRECTORY).catch(notThere(directory));
  try {
    for (const component of components) {
      shown = join(shown, component);
      const next = await open(join(descriptorPath(parent), component), DIRECTORY | constants.O_NOFOLLOW).catch(
        notThere(shown),
      );
      await parent.close();
      parent = next;
    }
    return await use(descriptorPath(parent), name);
  } finally {
    await parent.close();
  }
}

function openEntry(parent: string, name: string, shown: string, followLinks: boolean): Promise<FileHandle> {
  const flags = followLinks ? FILE : FILE | constants.O_NOFOLLOW;
  return open(join(parent, name), flags).catch(notThere(shown));
}

/**
 * Checks that the name still leads to the file that was checked. A share may number its files differently each time, so size and
 * time are compared there.
 */
async function checkSameEntry(parent: string, name: string, shown: string, handle: FileHandle): Promise<void> {
  const [opened, named] = await Promise.all([
    handle.stat({ bigint: true }),
    lstat(join(parent, name), { bigint: true }).catch(notThere(shown)),
  ]);
  if (!sameContent(opened, named)) throw contentChanged(shown);
}

function sameContent(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.dev === b.dev;
}

/** Returns a path to an open file for functions that take only paths; valid while it is open. */
export const descriptorPath = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`;

/** Converts errors of open(2) about a missing file or a link to a Failure; other errors keep their code and get the path. */
function notThere(shown: string): (error: unknown) => never {
  return (error) => {
    const code = errorCode(error);
    if (code === "ENOENT") {
      throw new Failure("file.missing", `${shown}: no such file`, { hint: "it was moved or removed", cause: error });
    }
    if (code === "ELOOP" || code === "EMLINK") throw refused(shown, "a symbolic link");
    if (code === "ENXIO") throw refused(shown, "a pipe or a device");
    if (code === "ENOTDIR") throw refused(shown, "behind a link or a file instead of in a directory");
    return withPath(shown)(error);
  };
}

/** Adds the path of the file to a system error, which would otherwise name a number in /proc. */
function withPath(shown: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof Error && "syscall" in error) Object.assign(error, { path: shown });
    throw error;
  };
}

function kindOf(status: { isDirectory(): boolean }): string {
  return status.isDirectory() ? "a directory" : "a pipe, a socket or a device";
}

function refused(path: string, what: string): Failure {
  const name = join(dirname(path), printable(basename(path)).slice(1, -1));
  return new Failure("file.refused", `cannot use ${name}: it is ${what}`, {
    hint: "phorest only uses regular files in the directory itself",
  });
}

/** Returns the Failure `file.changed` for a file that is not the recorded one, or was written to while it was read. */
export function contentChanged(path: string): Failure {
  return new Failure("file.changed", `cannot use ${path}: its content differs from what was recorded`, {
    hint: "another program changed it; `phorest verify` lists such files",
  });
}
