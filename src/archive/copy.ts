// One file to the remote, so that it counts: written under a temporary name in its directory, flushed, read back, its
// SHA-256 compared, given its name without overwriting anything, the directory flushed.
import { constants } from "node:fs";
import { type FileHandle, link, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { Failure } from "../failure.ts";
import { digestFile, PIECE_BYTES } from "../system/digest.ts";
import {
  type CopyContext,
  ensureRemoteDirectory,
  exists,
  fromSource,
  guarded,
  lstatOrNone,
  SourceProblem,
} from "./guard.ts";
import { numberedName, partialPath } from "./names.ts";

export interface CopyTask {
  /** Absolute. */
  readonly source: string;
  /** Wanted place, relative to the root. */
  readonly remotePath: string;
  /** Of the source, where it is known; what the source must still have. */
  readonly sha256?: string | undefined;
}

export interface Copied {
  /** Where the copy lies, relative to the root. */
  readonly remotePath: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The same content stood there already. */
  readonly adopted: boolean;
}

/**
 * Copies one file. A file of the same name but other content is left alone, the copy then gets a number; one of the same
 * content is verified and taken for the copy. An interrupted copy is gone on with after what stands there was compared.
 * Throws SourceProblem, a Failure `remote.*`, or the signal's reason; the partial copy stays for the next time.
 */
export function copyVerified(task: CopyTask, context: CopyContext): Promise<Copied> {
  return guarded<Copied>(context, async () => {
    const sha256 = task.sha256 ?? (await sourceDigest(task.source, context)).sha256;
    const bytes = await sourceSize(task.source);
    const wanted = join(context.root, task.remotePath);
    await ensureRemoteDirectory(context.root, dirname(wanted));
    const partial = partialPath(wanted, sha256);
    const own = await fromSource(task.source, stat(task.source));
    let written = false;
    for (let n = 0; ; n++) {
      const path = join(dirname(wanted), numberedName(basename(wanted), n));
      const copied = { remotePath: relative(context.root, path), bytes, sha256 };
      refuseItself(await lstatOrNone(path), own, task.source, context.root);
      if (await holds(path, bytes, sha256, context)) {
        // The rest of a copy that died after it had its name.
        await rm(partial, { force: true });
        return { value: { ...copied, adopted: true }, lies: path };
      }
      if (await exists(path)) continue;
      if (!written) await writePartial(task.source, partial, sha256, context);
      written = true;
      if (await nameFirst(partial, path)) return { value: { ...copied, adopted: false }, lies: path };
    }
  });
}

/** The temporary copy, whole, flushed and read back. */
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
    throw new SourceProblem("differs", `${source} is not the file it was: its SHA-256 has changed`);
  }
  throw new Failure(
    "remote.failed",
    `what was read back from ${context.root} is not what was written there (${basename(source)}): check the disk, the cable and the memory`,
    {
      retry: "later",
    },
  );
}

/** Source to `partial`; what stands in `partial` already and is the same is not written again. */
async function transfer(source: string, partial: string, context: CopyContext): Promise<void> {
  const from = await fromSource(source, open(source, "r"));
  try {
    const to = await open(partial, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const standing = (await to.stat()).size;
      const bytes = await copyRange(from, to, { source, begin: 0, standing }, context);
      if (standing > bytes) await to.truncate(bytes);
      await to.sync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

export interface Range {
  /** For messages. */
  readonly source: string;
  readonly begin: number;
  /** Size of the target: up to it, pieces are compared first. */
  readonly standing: number;
  /** Where to end; the end of the source when absent. */
  readonly end?: number;
}

/** Copies from `begin` on, comparing before writing as long as what stands there is the same. Returns where it ended. */
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

/** Gives `partial` the name `path` unless something bears it; false when it does. */
export async function nameFirst(partial: string, path: string): Promise<boolean> {
  try {
    await link(partial, path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "EEXIST") return false;
    if (!NO_LINKS.has(code)) throw error;
    // FAT and many SMB servers know no hard links; a look before the rename is the best to be had there.
    if (await exists(path)) return false;
    await rename(partial, path);
    return true;
  }
  await rm(partial);
  return true;
}

/**
 * A file is no copy of itself. Where the remote root leads back to the experiment (a link, a bind mount, a hard link of the
 * picture) the original would be taken for its own proof, and then removed.
 */
function refuseItself(
  there: { readonly dev: number; readonly ino: number } | undefined,
  own: { readonly dev: number; readonly ino: number },
  source: string,
  root: string,
): void {
  if (there === undefined || there.dev !== own.dev || there.ino !== own.ino) return;
  throw new Failure(
    "remote.refused",
    `the remote ${root} leads back to the experiment itself (${basename(source)} lies in both as one file): mount the share, or correct Paths.remote_root_dir`,
    { retry: "later" },
  );
}

const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

async function holds(path: string, bytes: number, sha256: string, { signal, progress }: CopyContext): Promise<boolean> {
  const there = await lstatOrNone(path);
  if (there?.isFile() !== true || there.size !== bytes) return false;
  const handle = await open(path, "r");
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
