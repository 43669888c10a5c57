// Copies files from elsewhere into a directory: writes them to the disk, reads them back, and gives them an unused name.
import { createHash, randomBytes } from "node:crypto";
import { lstatSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { type ConfinedFile, contentChanged, type RecordedContent } from "./confined-file.ts";
import { digestFile, PIECE_BYTES } from "./digest.ts";
import { checkFileName } from "./file-name.ts";
import { syncDirectory, temporaryPath } from "./files.ts";
import { nameFirst, timesAreNotKept } from "./name-first.ts";
import { numberedName } from "./numbered-name.ts";

/** A copy with its final name. */
export interface NewFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal SHA-256 of what was read back. */
  readonly sha256: string;
}

export interface CopyOptions {
  /** The size and hash that the file must have. */
  readonly recorded?: RecordedContent;
  /** Whether a name is taken although no file has it. */
  readonly isTaken?: ((name: string) => boolean) | undefined;
  /** False: the copy gets exactly the wanted name, or the copy fails. */
  readonly numbered?: boolean;
  /** Called after each piece. */
  progress?(): void;
}

/** Returns the first of the names `a.png`, `a-1.png`, … that nothing in `directory` has, not even a broken link. */
export function freeName(directory: string, name: string, isTaken: (name: string) => boolean = () => false): string {
  for (let n = 0; ; n++) {
    const candidate = numberedName(name, n);
    const there = lstatSync(join(directory, candidate), { throwIfNoEntry: false });
    if (there === undefined && !isTaken(candidate)) return candidate;
  }
}

/**
 * Copies an open file into `directory` under the first free of the names `a.png`, `a-1.png`, …; it keeps its modification time.
 * The copy is flushed and read back before it is renamed, and overwrites nothing. Failures: `file.refused` (not a file name, or
 * taken and not `numbered`), `file.changed` (not what was recorded), `disk.failed` (different when read back).
 */
export async function copyInto(
  source: ConfinedFile,
  directory: string,
  name: string,
  { recorded = {}, isTaken = () => false, numbered = true, progress = () => undefined }: CopyOptions = {},
): Promise<NewFile> {
  checkFileName(name, source.path);
  const temporary = temporaryPath(join(directory, name), randomBytes(12).toString("hex"));
  try {
    const copied = await writeCopy(source, temporary, progress);
    if (!isRecorded(copied, recorded)) throw contentChanged(source.path);
    const back = await digestFile(temporary, { direct: true, progress });
    if (back.sha256 !== copied.sha256 || back.bytes !== copied.bytes) {
      throw new Failure(
        "disk.failed",
        `${join(directory, name)}: the content read back differs from what was written`,
        {
          hint: "check the disk and the memory; the original is unchanged",
          retry: "later",
        },
      );
    }
    const given = await giveName(temporary, directory, name, { isTaken, numbered });
    syncDirectory(directory);
    return { name: given, ...copied };
  } finally {
    await rm(temporary, { force: true });
  }
}

function isRecorded(copied: Required<RecordedContent>, { bytes, sha256 }: RecordedContent): boolean {
  return (bytes === undefined || bytes === copied.bytes) && (sha256 === undefined || sha256 === copied.sha256);
}

/** Returns the size and hash of what was read from the source. Throws Failure `file.changed` if it was written to meanwhile. */
async function writeCopy(
  source: ConfinedFile,
  temporary: string,
  progress: () => void,
): Promise<Required<RecordedContent>> {
  const before = await source.handle.stat({ bigint: true });
  const target = await open(temporary, "wx");
  try {
    const copied = await copyBytes(source.handle, target, progress);
    const after = await source.handle.stat({ bigint: true });
    if (after.mtimeNs !== before.mtimeNs || after.size !== before.size) throw contentChanged(source.path);
    await target.utimes(Number(before.atimeMs) / 1000, Number(before.mtimeMs) / 1000).catch(timesAreNotKept);
    await target.sync();
    return copied;
  } finally {
    await target.close();
  }
}

async function copyBytes(from: FileHandle, to: FileHandle, progress: () => void): Promise<Required<RecordedContent>> {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await from.read(piece, 0, PIECE_BYTES, position);
    if (bytesRead === 0) return { bytes: position, sha256: hash.digest("hex") };
    hash.update(piece.subarray(0, bytesRead));
    for (let done = 0; done < bytesRead; ) {
      done += (await to.write(piece, done, bytesRead - done, position + done)).bytesWritten;
    }
    position += bytesRead;
    progress();
  }
}

async function giveName(
  temporary: string,
  directory: string,
  name: string,
  { isTaken, numbered }: Required<Pick<CopyOptions, "isTaken" | "numbered">>,
): Promise<string> {
  for (let n = 0; n === 0 || numbered; n++) {
    const candidate = numberedName(name, n);
    if (!isTaken(candidate) && (await nameFirst(temporary, join(directory, candidate)))) return candidate;
  }
  throw new Failure("file.refused", `${join(directory, name)} exists already; phorest does not overwrite it`);
}
