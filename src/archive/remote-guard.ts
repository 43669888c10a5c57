// The checks around every access to the remote: the root's marker is read before and after, the mount must be the same
// one, and the copy must be on the marker's own file system. Errors of local files are distinguished from errors of the remote.
import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { decodeFailure, encodeFailure, Failure } from "../failure/failure.ts";
import { canList, isFileFault, systemCode } from "../system/fault-of.ts";
import { flushDirectory } from "../system/files.ts";
import { mountOf } from "../system/mounts.ts";
import type { RateLimit } from "./rate.ts";
import { refusalWords } from "./refusal.ts";
import { inspectRemote, type Marker, readMarker, remoteFailure, unready } from "./remote.ts";

/** What all copies of a pass share. */
export interface CopyContext {
  readonly root: string;
  /** Id that the root's marker must have. */
  readonly remoteId: string;
  readonly rate: RateLimit;
  readonly signal: AbortSignal;
  /** Called whenever there was progress: a copy that never calls it is hanging. */
  progress(): void;
}

/** A problem with this one file, here or on the share: the next file may succeed. */
export class FileProblem extends Error {
  /** `refused`: the share does not accept it; the other kinds are about the local file. */
  readonly kind: "missing" | "differs" | "unreadable" | "refused";

  /** Completes the sentence "NAME: ...". */
  readonly reason: string;

  constructor(kind: FileProblem["kind"], name: string, reason: string, cause?: unknown) {
    super(`${name}: ${reason}`, { cause });
    this.name = "FileProblem";
    this.kind = kind;
    this.reason = reason;
  }
}

/** The file that is copied, used to classify and describe errors. */
export interface GuardedFile {
  /** Its path on the share, relative to the root. */
  readonly remotePath: string;
  readonly bytes?: number | undefined;
}

/**
 * Runs `work` between two checks of the marker: the file `path` must be on the marker's own file system, or this throws. Throws
 * FileProblem if the error concerns the one file, a Failure `remote.*` if it concerns the share.
 */
export async function guarded<T>(
  { root, remoteId }: Pick<CopyContext, "root" | "remoteId">,
  file: GuardedFile,
  work: () => Promise<{ readonly value: T; readonly path: string }>,
): Promise<T> {
  try {
    const before = checkMarker(root, remoteId);
    const { value, path } = await work();
    await flushDirectory(dirname(path));
    const { device, mountId } = checkMarker(root, remoteId);
    if (mountId !== before.mountId) {
      throw new Failure("remote.unavailable", `${root} was remounted during a copy; phorest repeats the copy`, {
        retry: "later",
      });
    }
    if ((await stat(path)).dev !== device) {
      throw new Failure(
        "remote.unavailable",
        `${path} is on another file system than the marker of ${root}: do not mount anything inside the share directory`,
        {
          retry: "later",
        },
      );
    }
    return value;
  } catch (error) {
    if (error instanceof FileProblem || error instanceof Failure || isAbort(error)) throw error;
    throw await judged(error, root, remoteId, file);
  }
}

/**
 * Classifies an error of the file system: it concerns the one file if another file can be written next to it, otherwise the
 * share.
 */
async function judged(
  error: unknown,
  root: string,
  remoteId: string,
  { remotePath, bytes }: GuardedFile,
): Promise<FileProblem | Failure> {
  const inspection = inspectRemote(root, remoteId);
  // Nothing may be written to a root that is not ready, not even for this test.
  if (inspection.state !== "ready") return unready(inspection);
  const directory = await nearestDirectory(root, dirname(join(root, remotePath)));
  if (!(await isFileFault(error, directory))) return remoteFailure(error, root);
  return new FileProblem("refused", remotePath, refusalWords(systemCode(error), remotePath, bytes), error);
}

/** Returns `directory`, or its nearest existing parent, up to the root. */
async function nearestDirectory(root: string, directory: string): Promise<string> {
  if (directory === root) return root;
  const found = await lstat(directory).catch(() => undefined);
  return found?.isDirectory() === true ? directory : nearestDirectory(root, dirname(directory));
}

function checkMarker(root: string, remoteId: string): Marker & { readonly mountId: number | undefined } {
  const marker = readMarker(root);
  if (marker === undefined || marker === "damaged" || marker.remoteId !== remoteId) {
    throw unready(inspectRemote(root, remoteId));
  }
  return { ...marker, mountId: mountOf(root)?.id };
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/**
 * Creates the directories between `root` and `directory`, but never the root itself: if that is missing, nothing may be written.
 * Throws Failure `remote.refused` if one of them is a link, because it may lead out of the share.
 */
export async function ensureRemoteDirectory(root: string, directory: string): Promise<void> {
  if (directory === root) return;
  const parent = dirname(directory);
  await ensureRemoteDirectory(root, parent);
  const there = await lstatOrNone(directory);
  if (there?.isSymbolicLink() === true) {
    throw new Failure("remote.refused", `${directory} on the share is a link; phorest copies only into directories`, {
      hint: "replace it with a directory; phorest retries",
      retry: "later",
    });
  }
  if (there !== undefined) return;
  try {
    await mkdir(directory);
  } catch (error) {
    // Another copy that runs at the same time has created it.
    if (!hasCode(error, "EEXIST")) throw error;
  }
  await flushDirectory(parent);
}

/** Marks a failed access to a local file, so that it is not mistaken for a failure of the remote. */
export async function fromSource<T>(source: string, access: Promise<T>): Promise<T> {
  try {
    return await access;
  } catch (error) {
    if (isAbort(error) || error instanceof FileProblem || error instanceof Failure) throw error;
    const code = systemCode(error);
    if (code === "ENOENT") throw new FileProblem("missing", source, "the file does not exist", error);
    // If the whole disk fails, the file is not at fault.
    if (code === "EMFILE" || code === "ENFILE" || !(await canList(dirname(source)))) {
      throw decodeFailure(encodeFailure(error));
    }
    throw new FileProblem("unreadable", source, `it cannot be read: ${messageOf(error)}`, error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export async function exists(path: string): Promise<boolean> {
  return (await lstatOrNone(path)) !== undefined;
}

export async function lstatOrNone(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
