// One picture, compressed. The order of the steps is what makes a crash between any two of them harmless:
//
//   temporary file, on the disk ▸ read back, unpacked, compared ▸ renamed to .gz ▸ original removed ▸ row changed
//
// The picture exists whole under one of its two names at every moment; done again from the start, each step that was
// already taken is recognised.
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
/** Larger files are stacks of images; they are not compressed, because the picture, its copy and the check are in memory together. */
const LARGEST_COMPRESSED_BYTES = 256 * 2 ** 20;
/** In pieces of this size; the default of 16 kB costs a call and a copy for each. */
const CHUNK_BYTES = 4 * 2 ** 20;

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
  /** This one file cannot be read or written now; `reason` completes the sentence "NAME: ...". */
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "missing" };

/** As compressPicture; an error of this one file is an outcome, an error of the disk is thrown. */
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
 * Compresses the picture `filename` in `directory` to `filename`.gz and removes the original, unless that is not worth it.
 * `sha256` is what the picture's hash was when it was taken, where that is known: a file that changed since is never
 * replaced. Throws what the disk throws; the original is then still there.
 */
export async function compressPicture(
  directory: string,
  filename: string,
  sha256: string | undefined,
  { level, minSavingPercent }: CompressOptions,
): Promise<CompressOutcome> {
  // An impossible file name is refused when the file is read.
  const size = isFileName(filename) ? (lstatSync(join(directory, filename), { throwIfNoEntry: false })?.size ?? 0) : 0;
  if (size > LARGEST_COMPRESSED_BYTES && !filename.endsWith(GZIP_SUFFIX)) return TOO_LARGE;
  const read = await readPicture(directory, filename);
  if ("reason" in read) return { kind: "refused", reason: read.reason };
  const { picture } = read;
  if (filename.endsWith(GZIP_SUFFIX)) {
    // As it was captured or imported: there is nothing to gain.
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
 * Removes the original of a compressed picture. Where that is not possible (it is immutable, say) the compressed one is
 * removed again, and the outcome says so: the picture is then used as it is.
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

/** The picture's bytes; undefined when there is none. A link or anything else that may not be touched is a reason. */
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

/** A picture whose original was removed before its row was changed: the row follows, if the file proves to be the picture. */
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
 * Of a compressed picture in `directory` whose original is there again: removes the original if it is the same picture.
 * False, and nothing touched, when the two differ.
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

/** The SHA-256 of what a .gz file holds; undefined when it is damaged or no regular file. Throws what the disk throws. */
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

/** Reads a written file back; what does not unpack to the picture never gets its name. */
async function checkCopy(temporary: string, originalSha256: string, target: string): Promise<void> {
  if ((await unpackedSha256({ directory: dirname(temporary), path: basename(temporary) })) === originalSha256) return;
  throw new Failure("disk.failed", `${target}: the content read back differs from what was written`, {
    hint: "check the disk; the image itself is unchanged",
    retry: "later",
  });
}

/** What a .gz file holds; undefined when it is damaged, cut off or none. */
function unpack(file: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(file, { chunkSize: CHUNK_BYTES, maxOutputLength: LARGEST_PICTURE_BYTES });
  } catch (error) {
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
