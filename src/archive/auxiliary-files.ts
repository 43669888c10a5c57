// The auxiliary files: results, CSV, plots, backups, the manifest's snapshot. They change, so their copies are replaced, but only
// if the file on the remote is the one that phorest put there.
//
// A file that only grows is continued in place: only its new part is sent over the network. Any other file is staged (written
// under a temporary name and verified); then the manifest records that its hash will replace the old one, and only then is it
// published. A crash in between leaves the old or the new content, and phorest recognises both as its own.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, rename } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { digestFile, PIECE_BYTES } from "../system/digest.ts";
import { systemCode } from "../system/fault-of.ts";
import { isPlainPath } from "../system/file-name.ts";
import { PARTIAL_SUFFIX } from "../system/files.ts";
import { nameFirst } from "../system/name-first.ts";
import { printableName, usableName } from "../system/names-in-bytes.ts";
import { numberedName } from "../system/numbered-name.ts";
import { brightfieldNames } from "./brightfield.ts";
import { copyRange, sourceDigest, writePartial } from "./copy.ts";
import { partialPath, remotePathOf } from "./names.ts";
import { type CopyContext, ensureRemoteDirectory, exists, fromSource, guarded, lstatOrNone } from "./remote-guard.ts";
import { withSource } from "./source.ts";

/** A local file as it is now. */
export interface AuxiliaryFile {
  /** Absolute. */
  readonly source: string;
  /** Its path on the remote, which also identifies it in the manifest. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAtUs: number;
}

/** What the manifest knows about its copy. */
export interface KnownCopy {
  readonly remotePath: string;
  readonly bytes: number;
  /** SHA-256 of the copy that was last verified. */
  readonly sha256: string;
  /** SHA-256 of the content that was about to replace it. */
  readonly stagedSha256: string | undefined;
}

export interface AuxiliaryTask extends AuxiliaryFile {
  readonly known: KnownCopy | undefined;
}

/** A copy that has its final name, or is still under a temporary one. */
export interface StagedFile {
  readonly path: string;
  readonly remotePath: string;
  readonly bytes: number;
  readonly modifiedAtUs: number;
  readonly sha256: string;
  /** Temporary path, relative to the root; undefined: the copy is complete. */
  readonly partial: string | undefined;
  /** Hash of our own content that the copy replaces; undefined: there must be no file of that name. */
  readonly replaces: string | undefined;
}

export interface AuxiliaryListing {
  readonly files: readonly AuxiliaryFile[];
  /** What cannot be copied at all: directories that cannot be listed, names that are not UTF-8. */
  readonly unlisted: readonly { readonly path: string; readonly reason: string }[];
}

/** Lists every file in `directories`, at any depth, except unfinished and hidden ones. Missing directories count as empty. */
export async function listAuxiliaryFiles(
  directories: readonly string[],
  layout: { readonly rootDir: string; readonly dataDir: string },
): Promise<AuxiliaryListing> {
  const files: AuxiliaryFile[] = [];
  const unlisted: { path: string; reason: string }[] = [];
  const walk = async (directory: string): Promise<void> => {
    for (const entry of await entriesOf(directory)) {
      const name = usableName(entry.name);
      if (name === undefined) {
        const path = join(directory, printableName(entry.name));
        unlisted.push({ path, reason: "its name is not valid UTF-8; rename it" });
        continue;
      }
      if (name.startsWith(".") || name.endsWith(PARTIAL_SUFFIX)) continue;
      const source = join(directory, name);
      if (entry.isDirectory()) await walk(source);
      if (!entry.isFile()) continue;
      const file = await sideFile(source, layout);
      if (file !== undefined) files.push(file);
    }
  };
  const entriesOf = (directory: string) =>
    readdir(directory, { withFileTypes: true, encoding: "buffer" }).catch((error: unknown): [] => {
      if (systemCode(error) !== "ENOENT")
        unlisted.push({ path: directory, reason: `it cannot be listed (${systemCode(error) ?? error})` });
      return [];
    });
  for (const directory of directories) await walk(directory);
  return { files: files.sort((a, b) => a.modifiedAtUs - b.modifiedAtUs), unlisted };
}

/** Lists the brightfield images as auxiliary files, oldest first. */
export async function listBrightfield(
  directory: string,
  layout: { readonly rootDir: string; readonly dataDir: string },
): Promise<AuxiliaryFile[]> {
  const files: AuxiliaryFile[] = [];
  for (const name of brightfieldNames(directory)) {
    const file = await sideFile(join(directory, name), layout);
    if (file !== undefined) files.push(file);
  }
  return files;
}

async function sideFile(
  source: string,
  layout: { rootDir: string; dataDir: string },
): Promise<AuxiliaryFile | undefined> {
  // A file that was replaced since the listing is found by the next pass.
  const stats = await lstat(source).catch(() => undefined);
  // A link is never a result file.
  if (stats?.isFile() !== true) return undefined;
  const modifiedAtUs = Math.round(stats.mtimeMs * 1000);
  return { source, path: remotePathOf(source, layout), bytes: stats.size, modifiedAtUs };
}

/** Copies one auxiliary file to the remote, without its final name. Throws as copyVerified does. */
export function stageAuxiliaryFile(task: AuxiliaryTask, context: CopyContext): Promise<StagedFile> {
  const file = { directory: dirname(task.source), path: basename(task.source) };
  return withSource(file, task.source, (source) => {
    const opened = { ...task, source };
    return guarded(context, { remotePath: task.path, bytes: task.bytes }, async () => {
      const continued = GROWING.test(task.path) ? await continueCopy(opened, context) : undefined;
      const value = continued ?? (await stageWhole(opened, context));
      return { value, path: join(context.root, value.partial ?? value.remotePath) };
    });
  });
}

/** Gives a staged copy its final name; returns that name, relative to the root. Throws as copyVerified does. */
export function publishAuxiliaryFile(staged: StagedFile, context: CopyContext): Promise<string> {
  return guarded(context, { remotePath: staged.remotePath, bytes: staged.bytes }, async () => {
    const remotePath =
      staged.partial === undefined ? staged.remotePath : await publish(staged, staged.partial, context);
    return { value: remotePath, path: join(context.root, remotePath) };
  });
}

const GROWING = /\.(csv|jsonl)$/;
/** Before a growing copy is continued, this many bytes before its end are compared. */
const SEAM_BYTES = 65_536;

/**
 * Appends the new part to a copy whose content is the beginning of the file; returns undefined if it is not, or is not ours any
 * more.
 */
async function continueCopy(
  { known, source, ...file }: AuxiliaryTask,
  context: CopyContext,
): Promise<StagedFile | undefined> {
  if (known === undefined || !isPlainPath(known.remotePath) || known.bytes === 0 || file.bytes < known.bytes)
    return undefined;
  const path = join(context.root, known.remotePath);
  await ensureRemoteDirectory(context.root, dirname(path));
  const there = await lstatOrNone(path);
  // It may be longer than recorded: the record of an append was lost. Its bytes are compared like those of any partial copy.
  if (there?.isFile() !== true || there.size < known.bytes || there.size > file.bytes) return undefined;
  const digests = await digestsAt(source, known.bytes, file.bytes, context);
  if (digests?.prefix !== known.sha256) return undefined;
  const from = await fromSource(source, open(source, "r"));
  try {
    const to = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      if (!(await same(from, to, seamOf(known.bytes), known.bytes))) return undefined;
      await copyRange(from, to, { source, begin: known.bytes, standing: there.size, end: file.bytes }, context);
      await to.sync();
    } finally {
      await to.close();
    }
    const back = await open(path, "r");
    try {
      if (!(await same(from, back, seamOf(known.bytes), file.bytes))) return undefined;
    } finally {
      await back.close();
    }
  } finally {
    await from.close();
  }
  return { ...file, remotePath: known.remotePath, sha256: digests.whole, partial: undefined, replaces: undefined };
}

const seamOf = (bytes: number): number => Math.max(0, bytes - SEAM_BYTES);

/** Computes the SHA-256 of the first `prefix` and of the first `whole` bytes in one pass; undefined if the file is shorter. */
async function digestsAt(
  source: string,
  prefix: number,
  whole: number,
  { signal, progress }: CopyContext,
): Promise<{ prefix: string; whole: string } | undefined> {
  const handle = await fromSource(source, open(source, "r"));
  try {
    const hash = createHash("sha256");
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    let ofPrefix: string | undefined;
    for (let position = 0; position < whole; ) {
      signal.throwIfAborted();
      const end = position < prefix ? prefix : whole;
      const { bytesRead } = await handle.read(piece, 0, Math.min(PIECE_BYTES, end - position), position);
      if (bytesRead === 0) return undefined;
      hash.update(piece.subarray(0, bytesRead));
      position += bytesRead;
      if (position === prefix) ofPrefix = hash.copy().digest("hex");
      progress();
    }
    return ofPrefix === undefined ? undefined : { prefix: ofPrefix, whole: hash.digest("hex") };
  } finally {
    await handle.close();
  }
}

async function same(a: FileHandle, b: FileHandle, begin: number, end: number): Promise<boolean> {
  const one = Buffer.allocUnsafe(PIECE_BYTES);
  const other = Buffer.allocUnsafe(PIECE_BYTES);
  for (let position = begin; position < end; ) {
    const wanted = Math.min(PIECE_BYTES, end - position);
    const { bytesRead } = await a.read(one, 0, wanted, position);
    const { bytesRead: back } = await b.read(other, 0, wanted, position);
    if (bytesRead === 0 || bytesRead !== back) return false;
    if (!one.subarray(0, bytesRead).equals(other.subarray(0, back))) return false;
    position += bytesRead;
  }
  return true;
}

async function stageWhole({ known, source, ...file }: AuxiliaryTask, context: CopyContext): Promise<StagedFile> {
  const { root, signal, progress } = context;
  const { sha256, bytes } = await sourceDigest(source, context);
  const ours = new Set([known?.sha256, known?.stagedSha256]);
  const wanted = join(root, file.path);
  await ensureRemoteDirectory(root, dirname(wanted));
  // First tries the path recorded in the manifest; if another file is there now, the first free name.
  const first = known === undefined || !isPlainPath(known.remotePath) ? wanted : join(root, known.remotePath);
  await ensureRemoteDirectory(root, dirname(first));
  for (let n = -1; ; n++) {
    const path = n < 0 ? first : join(dirname(wanted), numberedName(basename(wanted), n));
    const remotePath = relative(root, path);
    const there = await lstatOrNone(path);
    // A share that ignores case returns `R.csv` for `r.csv`, which is another file of phorest, or belongs to someone else.
    if (there !== undefined && known === undefined && !(await isListed(path))) continue;
    const standing =
      there?.isFile() === true ? (await digestFile(path, { direct: true, signal, progress })).sha256 : undefined;
    const staged = { ...file, bytes, remotePath, sha256, replaces: standing };
    if (standing === sha256) return { ...staged, partial: undefined };
    if (there !== undefined && !ours.has(standing)) continue;
    // One name for all versions: the next copy overwrites what an interrupted one left.
    const partial = partialPath(wanted, "next");
    await ensureRemoteDirectory(root, dirname(path));
    await writePartial(source, partial, sha256, context);
    return { ...staged, partial: relative(root, partial) };
  }
}

/** Whether a directory lists a file by exactly this name. Some servers (HFS+) store accents as separate characters. */
async function isListed(path: string): Promise<boolean> {
  const name = basename(path).normalize("NFC");
  return (await readdir(dirname(path))).some((listed) => listed.normalize("NFC") === name);
}

async function publish(
  { path, remotePath, replaces }: StagedFile,
  partial: string,
  { root }: CopyContext,
): Promise<string> {
  const from = join(root, partial);
  const wanted = join(root, remotePath);
  if (replaces !== undefined && (await exists(wanted))) {
    await rename(from, wanted);
    return remotePath;
  }
  for (let n = -1; ; n++) {
    const target = n < 0 ? wanted : join(dirname(wanted), numberedName(basename(path), n));
    if (await nameFirst(from, target)) return relative(root, target);
  }
}
