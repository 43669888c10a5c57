// One picture, compressed. The order of the steps is what makes a death between any two of them harmless:
//
//   temporary file, on the disk ▸ read back, unpacked, compared ▸ renamed to .gz ▸ original removed ▸ row changed
//
// The picture exists whole under one of its two names at every moment; done again from the start, each step that was
// already taken is recognised.
import { createHash } from "node:crypto";
import { readFile, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readWhole } from "../analysis/decode.ts";
import { Failure } from "../failure.ts";
import { fileSize, syncDirectory, writeDurably } from "../files.ts";
import type { CompressedFile } from "../manifest/storage.ts";

/** The ending of a compressed picture's name. */
export const GZIP_SUFFIX = ".gz";
/** In pieces of this size; the default of 16 kB costs a call and a copy for each. */
const CHUNK_BYTES = 4 * 2 ** 20;
const LARGEST_PICTURE_BYTES = 2 ** 30;

export interface CompressOptions {
  /** Effort, 1 to 9. */
  readonly level: number;
  /** A picture that would shrink by less is left alone. */
  readonly minSavingPercent: number;
}

export type CompressOutcome =
  | ({ readonly kind: "compressed" } & CompressedFile)
  /** It would not shrink by enough. */
  | { readonly kind: "incompressible"; readonly bytes: number; readonly sha256: string }
  /** It may not be touched; `reason` completes the sentence "NAME is left uncompressed: ...". */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "missing" };

/**
 * Compresses the picture at `path` to `path`.gz and removes the original, unless that is not worth it. `sha256` is what
 * the picture's hash was when it was taken, where that is known: a file that changed since is never replaced.
 * Throws what the disk throws; the original is then still there.
 */
export async function compressPicture(
  path: string,
  sha256: string | undefined,
  { level, minSavingPercent }: CompressOptions,
): Promise<CompressOutcome> {
  if (path.endsWith(GZIP_SUFFIX)) {
    // As it was captured or imported: there is nothing to gain.
    if (fileSize(path) === undefined) return { kind: "missing" };
    const file = await readFile(path);
    return { kind: "incompressible", bytes: file.length, sha256: digest(file) };
  }
  const target = `${path}${GZIP_SUFFIX}`;
  const there = fileSize(target) !== undefined;
  if (fileSize(path) === undefined) return there ? adoptCompressed(target, sha256) : { kind: "missing" };
  const picture = await readWhole(path);
  const originalSha256 = digest(picture);
  if (sha256 !== undefined && sha256 !== originalSha256) {
    return { kind: "refused", reason: "its content is no longer what was captured; run `phorest verify`" };
  }
  if (there) {
    if ((await unpackedSha256(target)) !== originalSha256) {
      return { kind: "refused", reason: `${basename(target)} is there already and holds something else` };
    }
  } else {
    const packed = gzipSync(picture, { level, chunkSize: CHUNK_BYTES });
    if (packed.length > picture.length * (1 - minSavingPercent / 100)) {
      return { kind: "incompressible", bytes: picture.length, sha256: originalSha256 };
    }
    const { atime, mtime } = await stat(path);
    await writeDurably(target, packed, async (temporary) => {
      await checkCopy(temporary, originalSha256, target);
      await utimes(temporary, atime, mtime);
    });
  }
  const file = await readFile(target);
  await rm(path);
  syncDirectory(dirname(path));
  return described(target, file, picture.length, originalSha256);
}

/** A picture whose original went before its row was changed: the row follows, if the file proves to be the picture. */
export async function adoptCompressed(target: string, sha256: string | undefined): Promise<CompressOutcome> {
  const file = await readFile(target);
  const picture = unpack(file);
  if (picture === undefined) {
    return { kind: "refused", reason: `the picture is gone and ${basename(target)} is damaged` };
  }
  const originalSha256 = digest(picture);
  if (sha256 !== undefined && sha256 !== originalSha256) {
    return { kind: "refused", reason: `the picture is gone and ${basename(target)} holds something else` };
  }
  return described(target, file, picture.length, originalSha256);
}

/**
 * Of a compressed picture beside which its original lies again: removes the original if it is the same picture.
 * False, and nothing touched, when the two differ.
 */
export async function dropOriginal(packedPath: string): Promise<boolean> {
  const path = packedPath.slice(0, -GZIP_SUFFIX.length);
  if ((await unpackedSha256(packedPath)) !== digest(await readWhole(path))) return false;
  await rm(path);
  syncDirectory(dirname(path));
  return true;
}

/** The SHA-256 of what a .gz file holds; undefined when it is damaged. Throws what the disk throws. */
export async function unpackedSha256(path: string): Promise<string | undefined> {
  const picture = unpack(await readFile(path));
  return picture === undefined ? undefined : digest(picture);
}

function described(target: string, file: Uint8Array, originalBytes: number, originalSha256: string): CompressOutcome {
  return {
    kind: "compressed",
    filename: basename(target),
    bytes: file.length,
    sha256: digest(file),
    originalBytes,
    originalSha256,
  };
}

/** Reads a written file back; what does not unpack to the picture never gets its name. */
async function checkCopy(temporary: string, originalSha256: string, target: string): Promise<void> {
  if ((await unpackedSha256(temporary)) === originalSha256) return;
  throw new Failure("disk.failed", `${target}: read back it was not what was written`, {
    hint: "the picture itself is untouched; check the disk",
    retry: "later",
  });
}

/** What a .gz file holds; undefined when it is damaged, cut off or none. */
function unpack(file: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(file, { chunkSize: CHUNK_BYTES, maxOutputLength: LARGEST_PICTURE_BYTES });
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
