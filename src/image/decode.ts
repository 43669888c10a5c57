// From a picture file to gray pixels. The bytes decide what a file is, not its name; whatever cannot be read whole is
// refused with one plain line, because a picture with gray bars at its end would be measured like a good one.
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, gunzip } from "node:zlib";
import sharp, { type Metadata, type SharpOptions } from "sharp";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type NamedFile, readConfined, shownPath } from "../system/confined-file.ts";
import { decodeBmp, isBmp } from "./bmp.ts";
import { damageOf, type Format, pngSize } from "./damage.ts";
import { formatOf } from "./format.ts";
import { headerSize } from "./header-size.ts";
import { refuseDamagedJpeg } from "./jpeg-check.ts";
import { checkSize, decodingBytes, type PictureSize, reserveMemory } from "./memory.ts";
import { grayPlane, type Picture } from "./picture.ts";
import { decodePlainPng } from "./plain-png.ts";
import { decodeTiff } from "./tiff-picture.ts";

export type { Picture } from "./picture.ts";

/** Most bytes of a picture file, packed or not. */
const MAX_BYTES = 2 ** 30;
/** Deflate never expands more. */
const MOST_EXPANSION = 1032;
/** So much of a gzip file is unpacked to read the header in it. */
const HEAD_BYTES = 4096;
/** Bytes of the frame around what is packed. */
const SMALLEST_GZIP = 18;

/** Exactly the stored samples: no colour profile, no rotation by EXIF, nothing kept from a damaged file. */
export const SHARP_OPTIONS: SharpOptions = {
  failOn: "error",
  // `checkSize` decides, on bytes.
  limitInputPixels: false,
  ignoreIcc: true,
  autoOrient: false,
};

// One picture per analysis thread is the parallelism; libvips' own threads would only compete with capture.
sharp.concurrency(1);
sharp.cache(false);

const unzip = promisify(gunzip);

/**
 * Reads and decodes a picture: PNG, TIFF, BMP or JPEG, also compressed by gzip. Colour becomes gray as in OpenCV,
 * 16-bit gray stays as stored, alpha is ignored.
 * Throws Failure `frame.missing` or `frame.unreadable`; errors of the disk itself pass through. `where` names the picture
 * in what is wrong with it. A path is the user's own and may be a link; a NamedFile is opened in its directory only, and
 * throws `file.refused` for anything but a regular file.
 */
export async function decodePicture(
  file: string | NamedFile,
  where = typeof file === "string" ? file : shownPath(file),
): Promise<Picture> {
  return decodeBytes(await readPicture(file), where);
}

/** The bytes of a picture file. Throws as decodePicture does. */
export function readPicture(file: string | NamedFile): Promise<Uint8Array> {
  return typeof file === "string" ? readWhole(file) : readNamed(file);
}

/** The same from bytes in memory, which the pixels may continue using; `where` names them in errors. */
export async function decodeBytes(bytes: Uint8Array, where: string): Promise<Picture> {
  return decodePlain(await unpacked(bytes, where), where);
}

/** Says whether a picture of this size is read at all, by throwing where it is not. */
export type SizeCheck = (size: PictureSize, where: string) => void;

/**
 * A picture file's bytes, without gzip where there was one. Throws as decodePicture does, and what `check` throws of the size
 * that the picture's header gives, before all of it is unpacked.
 */
export async function unpacked(bytes: Uint8Array, where: string, check: SizeCheck = checkSize): Promise<Uint8Array> {
  if (bytes.length === 0)
    throw unreadable(where, "the file is empty", "the program that wrote it was interrupted; capture or copy it again");
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  // The header of a TIFF may be anywhere: then the size is known once all is unpacked.
  const size = headerSize(packed ? await firstUnpacked(bytes) : bytes);
  if (size !== undefined) check(size, where);
  if (!packed) return bytes;
  const plain = await inflate(bytes, where);
  const plainSize = size ?? headerSize(plain);
  if (plainSize !== undefined) check(plainSize, where);
  return plain;
}

async function decodePlain(bytes: Uint8Array, where: string): Promise<Picture> {
  // The short ways copy the file's samples at most once.
  reserveMemory(2 * bytes.length, where);
  if (isBmp(bytes)) return decodeBmp(bytes, where);
  const format = formatOf(bytes);
  const pngHeader = format === "PNG" ? pngSize(bytes) : undefined;
  if (pngHeader !== undefined) allow(pngHeader, 2 * bytes.length, where);
  const plain = format === "PNG" ? decodePlainPng(bytes) : undefined;
  if (plain !== undefined) return plain;
  if (format === undefined) {
    throw unreadable(where, "not a picture", "phorest reads PNG, TIFF, BMP and JPEG, and .gz of these");
  }
  const general = (file: Uint8Array) =>
    byLibrary(file, format, where, async (metadata) => {
      allow(sizeOf(metadata, format), file.length, where);
      if (format === "JPEG") refuseDamagedJpeg(file, where);
      return decodeSamples(file, metadata, where);
    });
  return format === "TIFF" ? decodeTiff(bytes, where, general) : general(bytes);
}

/** What `work` makes of a picture that sharp reads; a Failure of the file's own where sharp refuses it. */
export async function byLibrary<T>(
  bytes: Uint8Array,
  format: Format,
  where: string,
  work: (metadata: Metadata) => Promise<T>,
): Promise<T> {
  try {
    return await work(await sharp(bytes, SHARP_OPTIONS).metadata());
  } catch (error) {
    // sharp throws plain errors; these are defects of this program, or memory that could not be had.
    if (error instanceof Failure || error instanceof TypeError || error instanceof RangeError) throw error;
    const reason = damageOf(bytes, format);
    throw new Failure("frame.unreadable", `${where}: the ${format} image is damaged or incomplete: ${reason}`, {
      hint: "the file was not written or copied completely; copy it again",
      cause: error,
    });
  }
}

/** Throws Failure `frame.unreadable` for a picture that is too large, or too large for the memory there is. */
function allow(size: PictureSize, fileBytes: number, where: string): void {
  checkSize(size, where);
  reserveMemory(decodingBytes(size, fileBytes), where);
}

/** What sharp says of a picture's size. */
export function sizeOf({ width, height, channels, depth, isProgressive }: Metadata, format: Format): PictureSize {
  const bytesPerSample = depth === "uchar" ? 1 : 2;
  // A TIFF may be one compressed strip, which is unpacked in one piece.
  return { width, height, channels, bytesPerSample, buffered: isProgressive === true || format === "TIFF" };
}

/** The space and depth in which a picture's samples are read as they are stored. Failure `frame.unreadable` for other kinds. */
export function samplesOf(metadata: Metadata, where: string): { space: string; depth: "uchar" | "ushort" } {
  const { depth } = metadata;
  const colour = metadata.space === "srgb" || metadata.space === "rgb16";
  if (!colour && metadata.space !== "b-w" && metadata.space !== "grey16") {
    throw unreadable(where, `unsupported colour space "${metadata.space}"`, "save it as gray or RGB");
  }
  if (depth !== "ushort" && depth !== "uchar") {
    throw unreadable(where, `unsupported sample type "${depth}"`, "save it with 8 or 16 bits per sample");
  }
  const deep = depth === "ushort";
  return { space: colour ? (deep ? "rgb16" : "srgb") : deep ? "grey16" : "b-w", depth };
}

async function decodeSamples(bytes: Uint8Array, metadata: Metadata, where: string): Promise<Picture> {
  const { space, depth } = samplesOf(metadata, where);
  const { data, info } = await sharp(bytes, SHARP_OPTIONS)
    .removeAlpha()
    .toColourspace(space)
    .raw({ depth })
    .toBuffer({ resolveWithObject: true });
  const samples = arrayOf(data, depth);
  const channels = info.channels;
  if (samples.length !== info.width * info.height * channels || (channels !== 1 && channels !== 3)) {
    throw unreadable(where, `${channels} colour channels are not supported`, "save it as gray or RGB");
  }
  const pixels = channels === 3 ? grayPlane(samples) : samples;
  return { pixels, width: info.width, height: info.height, bitDepth: depth === "ushort" ? 16 : 8 };
}

/** Samples over the bytes, copied only where they are not aligned. */
export function arrayOf(data: Buffer, depth: "uchar" | "ushort"): Uint8Array | Uint16Array {
  if (depth === "uchar") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data.byteOffset % 2 === 0) return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  return new Uint16Array(Uint8Array.from(data).buffer);
}

/** The bytes of a picture that a database or a directory names. Throws as decodePicture does. */
async function readNamed({ directory, path, ...options }: NamedFile): Promise<Uint8Array> {
  try {
    return await readConfined(directory, path, MAX_BYTES, options);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "file.missing") throw error;
    throw missing(join(directory, path), error);
  }
}

function missing(path: string, cause: unknown): Failure {
  return new Failure("frame.missing", `${path}: no such file`, { hint: "check the name, or restore the file", cause });
}

/** The bytes of a picture file. Throws as decodePicture does. */
export async function readWhole(path: string): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const status = await handle.stat();
    if (!status.isFile()) throw unreadable(path, "not a file", "name an image file");
    if (status.size > MAX_BYTES)
      throw unreadable(path, `${status.size} bytes are too many for an image`, "check what wrote it");
    return await readAll(handle, status.size);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      throw missing(path, error);
    }
    throw error;
  } finally {
    await handle?.close();
  }
}

/** The `size` bytes of a file in one piece of memory of their own; fewer when it shrank meanwhile. */
async function readAll(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let have = 0;
  while (have < size) {
    // In one go: readFile asks for half a megabyte at a time, each a trip through the thread pool.
    const { bytesRead } = await handle.read(bytes, have, size - have, have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return bytes.subarray(0, have);
}

/**
 * The file in a gzip file, of at most `limit` bytes. The end of a gzip file says how large its content is; only where that
 * is not true (several files in one) as much is tried as a picture file may have.
 */
async function inflate(bytes: Uint8Array, where: string, limit = declaredBytes(bytes)): Promise<Uint8Array> {
  // Node joins the pieces in the end, so that they are there twice.
  reserveMemory(bytes.length + 2 * limit, where);
  try {
    return await unzip(bytes, { maxOutputLength: limit });
  } catch (error) {
    const tooLarge = hasCode(error, "ERR_BUFFER_TOO_LARGE");
    const most = mostUnpacked(bytes);
    if (tooLarge && limit < most) return inflate(bytes, where, most);
    const [what, hint] = tooLarge
      ? ["it decompresses to more than an image can contain", "check what wrote it"]
      : ["the gzip file is damaged or incomplete", "the file was not written or copied completely; copy it again"];
    throw new Failure("frame.unreadable", `${where}: ${what}`, { hint, cause: error });
  }
}

/** What the first bytes of a gzip file hold: a header, as a rule. None where they cannot be unpacked. */
async function firstUnpacked(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    // Without the file's end there is none to be missed.
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_EXPANSION * HEAD_BYTES };
    return await unzip(bytes.subarray(0, HEAD_BYTES), options);
  } catch (error) {
    // What is wrong with the file is said of the whole of it.
    if (errorCode(error) !== undefined) return new Uint8Array(0);
    throw error;
  }
}

function declaredBytes(bytes: Uint8Array): number {
  if (bytes.length < SMALLEST_GZIP) return 1;
  const declared = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(bytes.length - 4);
  return Math.max(1, Math.min(declared, mostUnpacked(bytes)));
}

function mostUnpacked(bytes: Uint8Array): number {
  return Math.min(MAX_BYTES, MOST_EXPANSION * bytes.length);
}

function unreadable(where: string, what: string, hint: string): Failure {
  return new Failure("frame.unreadable", `${where}: ${what}`, { hint });
}
