// Unpacks picture files that are compressed by gzip.
import { promisify } from "node:util";
import { constants, gunzip } from "node:zlib";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { headerSize } from "./header-size.ts";
import { checkSize, type PictureSize, reserveMemory } from "./memory.ts";

/** Maximum size of a picture file, bytes, packed or not. */
export const MAX_BYTES = 2 ** 30;
/** Maximum expansion factor of deflate. */
const MOST_EXPANSION = 1032;
/** Bytes of a gzip file that are unpacked to read the header of its content. */
const HEAD_BYTES = 4096;
/** Minimum size of a gzip file, bytes. */
const SMALLEST_GZIP = 18;

const unzip = promisify(gunzip);

/** Throws if a picture of this size must not be read. */
export type SizeCheck = (size: PictureSize, where: string) => void;

/**
 * Returns the bytes of a picture file without gzip. Throws as decodePicture does. Also throws what `check` throws; it gets the
 * size in the picture's header before the whole file is unpacked.
 */
export async function unpacked(bytes: Uint8Array, where: string, check: SizeCheck = checkSize): Promise<Uint8Array> {
  if (bytes.length === 0)
    throw unreadable(where, "the file is empty", "the program that wrote it was interrupted; capture or copy it again");
  const packed = isPacked(bytes);
  // A TIFF header may be anywhere in the file: then the size is known only after unpacking.
  const size = await headerSize(packed ? await firstUnpacked(bytes) : bytes);
  if (size !== undefined) check(size, where);
  if (!packed) return bytes;
  const plain = await inflate(bytes, where);
  const plainSize = size ?? (await headerSize(plain));
  if (plainSize !== undefined) check(plainSize, where);
  return plain;
}

/** Whether a file is compressed by gzip, by its first bytes. */
export const isPacked = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * Unpacks a gzip file to at most `limit` bytes. The end of a gzip file states the size of its content. If that is wrong
 * (several files in one), it is unpacked with the limit for picture files instead.
 */
async function inflate(bytes: Uint8Array, where: string, limit = declaredBytes(bytes)): Promise<Uint8Array> {
  // Node joins the pieces at the end, which takes the memory twice.
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

/** Returns the unpacked beginning of a gzip file, which usually contains a header. Empty if it cannot be unpacked. */
export async function firstUnpacked(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    // Only the beginning is unpacked, so a missing end is not an error.
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_EXPANSION * HEAD_BYTES };
    return await unzip(bytes.subarray(0, HEAD_BYTES), options);
  } catch (error) {
    // The error message must be about the whole file.
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
