// What holds around every access to the remote: the root's marker is read before and after, the mount must be the same
// one, and the copy must lie on the marker's own file system. Errors of local files are told from errors of the remote.
import { lstat, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { mountOf } from "./mounts.ts";
import type { RateLimit } from "./rate.ts";
import { inspectRemote, type Marker, readMarker, remoteFailure, unready } from "./remote.ts";

/** What every copy of a pass shares. */
export interface CopyContext {
  readonly root: string;
  /** Id that the root's marker must bear. */
  readonly remoteId: string;
  readonly rate: RateLimit;
  readonly signal: AbortSignal;
  /** Called whenever something moved: a copy that never calls hangs. */
  progress(): void;
}

/** The local file is the trouble, not the remote: the next file may do better. */
export class SourceProblem extends Error {
  readonly kind: "missing" | "differs" | "unreadable";

  constructor(kind: SourceProblem["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "SourceProblem";
    this.kind = kind;
  }
}

/** Runs `work` between two looks at the marker: the file that `lies` there is on the marker's file system, or this throws. */
export async function guarded<T>(
  { root, remoteId }: Pick<CopyContext, "root" | "remoteId">,
  work: () => Promise<{ readonly value: T; readonly lies: string }>,
): Promise<T> {
  try {
    const before = checkMarker(root, remoteId);
    const { value, lies: path } = await work();
    await flushDirectory(dirname(path));
    const { device, mountId } = checkMarker(root, remoteId);
    if (mountId !== before.mountId) {
      throw new Failure(
        "remote.unavailable",
        `${root} was mounted anew during a copy, which does not count: it is made again`,
        {
          retry: "later",
        },
      );
    }
    if ((await stat(path)).dev !== device) {
      throw new Failure(
        "remote.unavailable",
        `${path} lies on another file system than the marker of ${root}: nothing may be mounted inside the remote root`,
        {
          retry: "later",
        },
      );
    }
    return value;
  } catch (error) {
    if (error instanceof SourceProblem || isAbort(error)) throw error;
    throw remoteFailure(error, root, remoteId);
  }
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

/** Makes the directories between `root` and `directory`. Never the root itself: it is there, or nothing may be written. */
export async function ensureRemoteDirectory(root: string, directory: string): Promise<void> {
  if (directory === root || (await exists(directory))) return;
  const parent = dirname(directory);
  await ensureRemoteDirectory(root, parent);
  try {
    await mkdir(directory);
  } catch (error) {
    // A copy beside this one made it meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  await flushDirectory(parent);
}

async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot flush a directory; there, the server has acted on the name when the call returned.
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EINVAL", "ENOTSUP", "EOPNOTSUPP", "EBADF", "ENOSYS"].includes(code)) throw error;
  } finally {
    await handle.close();
  }
}

/** A failed access to a local file, told from one to the remote. */
export async function fromSource<T>(source: string, access: Promise<T>): Promise<T> {
  try {
    return await access;
  } catch (error) {
    if (isAbort(error)) throw error;
    const gone = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (gone) throw new SourceProblem("missing", `${source} is gone`, error);
    throw new SourceProblem(
      "unreadable",
      `${source} cannot be read: ${error instanceof Error ? error.message : error}`,
      error,
    );
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await lstatOrNone(path)) !== undefined;
}

export async function lstatOrNone(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
