// Copies one file to the remote safely: writes it under a temporary name in its directory, flushes it, reads it back, compares
// its SHA-256, renames it without overwriting anything, and flushes the directory.
import { constants } from "node:fs";
import { type FileHandle, open, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { Failure } from "../failure/failure.ts";
import { digestFile, PIECE_BYTES } from "../system/digest.ts";
import { systemCode } from "../system/fault-of.ts";
import { nameFirst } from "../system/name-first.ts";
import { numberedName } from "../system/numbered-name.ts";
import { partialPath } from "./names.ts";
import {
  type CopyContext,
  ensureRemoteDirectory,
  FileProblem,
  fromSource,
  guarded,
  lstatOrNone,
} from "./remote-guard.ts";

export interface CopyTask {
  /** Absolute. */
  readonly source: string;
  /** Name of the source in messages, if it is an open file. */
  readonly shown?: string;
  /** Wanted path, relative to the root. */
  readonly remotePath: string;
  /** SHA-256 that the source must have, if known. */
  readonly sha256?: string | undefined;
}

export interface Copied {
  /** Path of the copy, relative to the root. */
  readonly remotePath: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether the same content was there already. */
  readonly adopted: boolean;
}

/**
 * Copies one file. If a file of the same name has other content, it is left alone and the copy gets a number; if it has the same
 * content, it is verified and counts as the copy. An interrupted copy is continued after the existing part was compared. Throws
 * FileProblem, a Failure `remote.*`, or the signal's reason; the partial copy stays for the next attempt.
 */
export async function copyVerified(task: CopyTask, context: CopyContext): Promise<Copied> {
  const bytes = await sourceSize(task.source);
  return guarded<Copied>(context, { remotePath: task.remotePath, bytes }, async () => {
    const sha256 = task.sha256 ?? (await sourceDigest(task.source, context)).sha256;
    const wanted = join(context.root, task.remotePath);
    await ensureRemoteDirectory(context.root, dirname(wanted));
    const partial = partialPath(wanted, sha256);
    const own = await fromSource(task.source, stat(task.source));
    let written = false;
    for (let n = 0; ; ) {
      const path = join(dirname(wanted), numberedName(basename(wanted), n));
      const copied = { remotePath: relative(context.root, path), bytes, sha256 };
      const there = await lstatOrNone(path);
      const identity = there === undefined ? "other" : await identityOf(path, there, task.source, own);
      if (identity === "same") throw leadsBack(task.shown ?? task.source, context.root);
      if (identity === "other" && (await holds(path, bytes, sha256, context))) {
        // Left by a copy that was killed after it got its name.
        await rm(partial, { force: true });
        return { value: { ...copied, adopted: !written }, path };
      }
      if (there !== undefined) {
        n += 1;
        continue;
      }
      if (!written) await writePartial(task.source, partial, sha256, context);
      written = true;
      // If another file has the name now, compare it: it may be this copy, renamed by a call whose answer was lost.
      if (await nameFirst(partial, path)) return { value: { ...copied, adopted: false }, path };
    }
  });
}

/** Writes the complete temporary copy, flushes it and reads it back. */
export async function writePartial(
  source: string,
  partial: string,
  sha256: string,
  context: CopyContext,
): Promise<void> {
  await transfer(source, partial, context);
  const { signal, progress } = context;
  const back = await digestFile(partial, { direct: true, signal, progress });
  if (back.sha256 === sha256) return;
  await rm(partial, { force: true });
  const now = await sourceDigest(source, context);
  if (now.sha256 !== sha256) {
    throw new FileProblem("differs", source, "its content has changed: its SHA-256 differs");
  }
  const reason = `the content read back from ${context.root} differs from what was written; check the disk, cable, memory and virus scanner of the server`;
  throw new FileProblem("refused", source, reason);
}

/** Copies the source to `partial`; bytes that `partial` already has are not written again. */
async function transfer(source: string, partial: string, context: CopyContext): Promise<void> {
  const from = await fromSource(source, open(source, "r"));
  try {
    const to = await open(partial, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    try {
      const standing = (await to.stat()).size;
      const bytes = await copyRange(from, to, { source, begin: 0, standing }, context);
      if (standing > bytes) await to.truncate(bytes);
      await to.sync();
    } finally {
      // Network shares report some failed writes only when the file is closed.
      await to.close();
    }
  } catch (error) {
    // A copy that can never be completed must not stay there.
    if (systemCode(error) === "EFBIG") await rm(partial, { force: true });
    throw error;
  } finally {
    await from.close();
  }
}

export interface Range {
  /** For messages. */
  readonly source: string;
  readonly begin: number;
  /** Existing size of the target: up to it, pieces are compared before they are written. */
  readonly standing: number;
  /** Where to stop; the end of the source if absent. */
  readonly end?: number;
}

/** Copies from `begin` on; compares before writing as long as the existing content is the same. Returns where it stopped. */
export async function copyRange(from: FileHandle, to: FileHandle, range: Range, context: CopyContext): Promise<number> {
  const { rate, signal, progress } = context;
  const pieceBytes = Math.min(PIECE_BYTES, rate.pieceBytes);
  const piece = Buffer.allocUnsafe(pieceBytes);
  const there = Buffer.allocUnsafe(range.standing > range.begin ? pieceBytes : 0);
  let comparing = range.standing > range.begin;
  let position = range.begin;
  for (;;) {
    signal.throwIfAborted();
    const wanted = Math.min(pieceBytes, (range.end ?? Number.POSITIVE_INFINITY) - position);
    const { bytesRead } = await fromSource(range.source, from.read(piece, 0, wanted, position));
    if (bytesRead === 0) return position;
    const bytes = piece.subarray(0, bytesRead);
    if (comparing && position + bytesRead <= range.standing) {
      const { bytesRead: back } = await to.read(there, 0, bytesRead, position);
      comparing = there.subarray(0, back).equals(bytes);
    } else comparing = false;
    if (!comparing) {
      await rate.take(bytesRead, signal);
      await writeAll(to, bytes, position);
    }
    position += bytesRead;
    progress();
  }
}

async function writeAll(to: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await to.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

interface Identity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * Determines whether the file at `path` on the share is the image itself. If the remote root leads back to the experiment (by a
 * link, a bind mount, or a hard link of the image), the original would be taken for its own copy, and then removed. `unknown`:
 * both are on one file system that numbers its files differently each time, so this cannot be determined.
 */
async function identityOf(
  path: string,
  there: Identity,
  source: string,
  own: Identity,
): Promise<"same" | "other" | "unknown"> {
  if (there.dev !== own.dev) return "other";
  if (there.ino === own.ino || (await realpath(source)) === (await realpath(path).catch(() => path))) return "same";
  const again = await fromSource(source, stat(source));
  return again.ino === own.ino ? "other" : "unknown";
}

function leadsBack(source: string, root: string): Failure {
  return new Failure(
    "remote.refused",
    `the share ${root} is the experiment itself (${basename(source)} is the same file in both): mount the share, or correct Paths.remote_root_dir`,
    { retry: "later" },
  );
}

async function holds(path: string, bytes: number, sha256: string, { signal, progress }: CopyContext): Promise<boolean> {
  const there = await lstatOrNone(path);
  if (there?.isFile() !== true || there.size !== bytes) return false;
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    // Another user's file, which this user must not read.
    if (["EACCES", "EPERM", "ELOOP"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return (await digestFile(path, { direct: true, signal, progress })).sha256 === sha256;
}

export function sourceDigest(source: string, { signal, progress }: Pick<CopyContext, "signal" | "progress">) {
  return fromSource(source, digestFile(source, { signal, progress }));
}

async function sourceSize(source: string): Promise<number> {
  return (await fromSource(source, stat(source))).size;
}
