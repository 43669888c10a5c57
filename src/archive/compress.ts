// Compresses one image. The order of the steps makes a crash between any two of them harmless:
//
//   write temporary file, flush ▸ read back, decompress, compare ▸ rename to .gz ▸ remove original ▸ update row
//
// At every moment the complete image exists under one of its two names. If the steps are repeated from the start, those that were
// already done are recognised.
import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { lstat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { removePicture } from "../image/picture-file.ts";
import { checkPictureName, LARGEST_PICTURE_BYTES } from "../image/picture-name.ts";
import type { CompressedFile } from "../manifest/storage.ts";
import { type NamedFile, readConfined } from "../system/confined-file.ts";
import { fileFaultReason, isFileFault, systemCode } from "../system/fault-of.ts";
import { isFileName } from "../system/file-name.ts";
import { syncDirectory, writeDurably } from "../system/files.ts";
import { timesAreNotKept } from "../system/name-first.ts";

/** The ending of a compressed picture's name. */
export const GZIP_SUFFIX = ".gz";
/**
 * Larger files are stacks of images. They are not compressed, because the image, its copy and the check are in memory together.
 */
const LARGEST_COMPRESSED_BYTES = 256 * 2 ** 20;
/** Size of the pieces; the default of 16 kB costs a call and a copy for each. */
const CHUNK_BYTES = 4 * 2 ** 20;

export interface CompressOptions {
  /** Compression level, 1 to 9. */
  readonly level: number;
  /** An image that would shrink by less is left alone. */
  readonly minSavingPercent: number;
}

export type CompressOutcome =
  | ({ readonly kind: "compressed" } & CompressedFile)
  /** It would not shrink enough. */
  | { readonly kind: "incompressible"; readonly bytes: number; readonly sha256: string }
  /** It must not be touched; `reason` completes the sentence "NAME is left uncompressed: ...". */
  | { readonly kind: "refused"; readonly reason: string }
  /** This one file cannot be read or written now; `reason` completes the sentence "NAME: ...". */
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "missing" };

/** Calls compressPicture; returns an error of this file as an outcome, and throws an error of the disk. */
export async function tryCompress(
  directory: string,
  filename: string,
  sha256: string | undefined,
  options: CompressOptions,
): Promise<CompressOutcome> {
  try {
    return await compressPicture(directory, filename, sha256, options);
  } catch (error) {
    if (!(await isFileFault(error, directory))) throw error;
    return { kind: "failed", reason: fileFaultReason(error) };
  }
}

/**
 * Compresses the image `filename` in `directory` to `filename`.gz and removes the original, unless that saves too little.
 * `sha256` is the image's hash when it was taken, if known: a file that has changed since is never replaced. Throws errors of the
 * disk; the original then still exists.
 */
export async function compressPicture(
  directory: string,
  filename: string,
  sha256: string | undefined,
  { level, minSavingPercent }: CompressOptions,
): Promise<CompressOutcome> {
  // An invalid file name is refused when the file is read.
  const size = isFileName(filename) ? (lstatSync(join(directory, filename), { throwIfNoEntry: false })?.size ?? 0) : 0;
  if (size > LARGEST_COMPRESSED_BYTES && !filename.endsWith(GZIP_SUFFIX)) return TOO_LARGE;
  const read = await readPicture(directory, filename);
  if ("reason" in read) return { kind: "refused", reason: read.reason };
  const { picture } = read;
  if (filename.endsWith(GZIP_SUFFIX)) {
    // Captured or imported in compressed form: there is nothing to gain.
    if (picture === undefined) return { kind: "missing" };
    return { kind: "incompressible", bytes: picture.length, sha256: digest(picture) };
  }
  const packedName = `${filename}${GZIP_SUFFIX}`;
  if (!isFileName(packedName)) return NAME_TOO_LONG;
  const target = join(directory, packedName);
  const there = lstatSync(target, { throwIfNoEntry: false }) !== undefined;
  if (picture === undefined) {
    return there ? adoptCompressed({ directory, path: packedName }, sha256) : { kind: "missing" };
  }
  const originalSha256 = digest(picture);
  if (sha256 !== undefined && sha256 !== originalSha256) {
    return { kind: "refused", reason: "its content has changed since capture; run `phorest verify`" };
  }
  if (there) {
    if ((await unpackedSha256({ directory, path: packedName })) !== originalSha256) {
      return { kind: "refused", reason: `${packedName} exists already and has different content` };
    }
  } else {
    const packed = gzipSync(picture, { level, chunkSize: CHUNK_BYTES });
    if (packed.length > picture.length * (1 - minSavingPercent / 100)) {
      return { kind: "incompressible", bytes: picture.length, sha256: originalSha256 };
    }
    const { atime, mtime } = await lstat(join(directory, filename));
    try {
      await writeDurably(target, packed, async (temporary) => {
        await checkCopy(temporary, originalSha256, target);
        await utimes(temporary, atime, mtime).catch(timesAreNotKept);
      });
    } catch (error) {
      // On some file systems (encrypted home directories) names end at 143 bytes.
      if (systemCode(error) === "ENAMETOOLONG") return NAME_TOO_LONG;
      throw error;
    }
  }
  const file = await readConfined(directory, packedName, LARGEST_PICTURE_BYTES);
  const outcome = described(packedName, file, picture.length, originalSha256);
  return (await removeOriginal(directory, filename, picture.length, outcome)) ?? outcome;
}

const TOO_LARGE = { kind: "refused", reason: "files of more than 256 MB are not compressed" } as const;
const NAME_TOO_LONG = { kind: "refused", reason: `with ${GZIP_SUFFIX} its name would be too long` } as const;

/**
 * Removes the original of a compressed image. If that is not possible (for example, it is immutable), removes the compressed file
 * again and returns that as the outcome: the image is then used as it is.
 */
async function removeOriginal(
  directory: string,
  filename: string,
  bytes: number,
  packed: Compressed,
): Promise<CompressOutcome | undefined> {
  try {
    await removePicture(directory, filename, { bytes, sha256: packed.originalSha256 });
    syncDirectory(directory);
    return undefined;
  } catch (error) {
    if (!(await isFileFault(error, directory))) throw error;
    await removePicture(directory, packed.filename, packed);
    return { kind: "refused", reason: `cannot remove the original: ${fileFaultReason(error)}` };
  }
}

type Compressed = Extract<CompressOutcome, { kind: "compressed" }>;

/**
 * Returns the image's bytes; undefined if it does not exist. Returns a reason if it is a link or anything else that must not be
 * touched.
 */
async function readPicture(
  directory: string,
  filename: string,
): Promise<{ readonly picture: Buffer | undefined } | { readonly reason: string }> {
  try {
    checkPictureName(filename, directory);
    return { picture: await readConfined(directory, filename, LARGEST_PICTURE_BYTES) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === "file.missing") return { picture: undefined };
    if (error.code === "file.refused") return { reason: error.message };
    throw error;
  }
}

/**
 * Handles an image whose original was removed before its row was updated: updates the row if the file is proved to be the image.
 */
export async function adoptCompressed(target: NamedFile, sha256: string | undefined): Promise<CompressOutcome> {
  const name = basename(target.path);
  const file = await readConfined(target.directory, target.path, LARGEST_PICTURE_BYTES);
  const picture = unpack(file);
  if (picture === undefined) return { kind: "refused", reason: `the image file does not exist and ${name} is damaged` };
  const originalSha256 = digest(picture);
  if (sha256 !== undefined && sha256 !== originalSha256) {
    return { kind: "refused", reason: `the image file does not exist and ${name} has different content` };
  }
  return described(name, file, picture.length, originalSha256);
}

/**
 * Handles a compressed image in `directory` whose original exists again: removes the original if it is the same image. Returns
 * false, with nothing changed, if the two differ.
 */
export async function dropOriginal(directory: string, packedName: string): Promise<boolean> {
  const filename = packedName.slice(0, -GZIP_SUFFIX.length);
  const read = await readPicture(directory, filename);
  const picture = "picture" in read ? read.picture : undefined;
  if (picture === undefined) return false;
  const sha256 = digest(picture);
  if ((await unpackedSha256({ directory, path: packedName })) !== sha256) return false;
  await removePicture(directory, filename, { bytes: picture.length, sha256 });
  syncDirectory(directory);
  return true;
}

/**
 * Computes the SHA-256 of the content of a .gz file; undefined if it is damaged or not a regular file. Throws errors of the disk.
 */
async function unpackedSha256({ directory, path }: NamedFile): Promise<string | undefined> {
  try {
    const picture = unpack(await readConfined(directory, path, LARGEST_PICTURE_BYTES));
    return picture === undefined ? undefined : digest(picture);
  } catch (error) {
    if (error instanceof Failure && error.code === "file.refused") return undefined;
    throw error;
  }
}

function described(filename: string, file: Uint8Array, originalBytes: number, originalSha256: string): Compressed {
  return {
    kind: "compressed",
    filename,
    bytes: file.length,
    sha256: digest(file),
    originalBytes,
    originalSha256,
  };
}

/** Reads a written file back; it never gets its final name if it does not decompress to the image. */
async function checkCopy(temporary: string, originalSha256: string, target: string): Promise<void> {
  if ((await unpackedSha256({ directory: dirname(temporary), path: basename(temporary) })) === originalSha256) return;
  throw new Failure("disk.failed", `${target}: the content read back differs from what was written`, {
    hint: "check the disk; the image itself is unchanged",
    retry: "later",
  });
}

/** Returns the content of a .gz file; undefined if it is damaged, truncated or not gzip. */
function unpack(file: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(file, { chunkSize: CHUNK_BYTES, maxOutputLength: LARGEST_PICTURE_BYTES });
  } catch (error) {
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
