// The bytes of a picture file without the gzip around them.
import { promisify } from "node:util";
import { constants, gunzip } from "node:zlib";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { headerSize } from "./header-size.ts";
import { checkSize, type PictureSize, reserveMemory } from "./memory.ts";

/** Most bytes of a picture file, packed or not. */
export const MAX_BYTES = 2 ** 30;
/** Deflate never expands more. */
const MOST_EXPANSION = 1032;
/** So much of a gzip file is unpacked to read the header in it. */
const HEAD_BYTES = 4096;
/** Bytes of the frame around what is packed. */
const SMALLEST_GZIP = 18;

const unzip = promisify(gunzip);

/** Says whether a picture of this size is read at all, by throwing where it is not. */
export type SizeCheck = (size: PictureSize, where: string) => void;

/**
 * A picture file's bytes, without gzip where there was one. Throws as decodePicture does, and what `check` throws of the size
 * that the picture's header gives, before all of it is unpacked.
 */
export async function unpacked(bytes: Uint8Array, where: string, check: SizeCheck = checkSize): Promise<Uint8Array> {
  if (bytes.length === 0)
    throw unreadable(where, "the file is empty", "the program that wrote it was interrupted; capture or copy it again");
  const packed = isPacked(bytes);
  // The header of a TIFF may be anywhere: then the size is known once all is unpacked.
  const size = await headerSize(packed ? await firstUnpacked(bytes) : bytes);
  if (size !== undefined) check(size, where);
  if (!packed) return bytes;
  const plain = await inflate(bytes, where);
  const plainSize = size ?? (await headerSize(plain));
  if (plainSize !== undefined) check(plainSize, where);
  return plain;
}

/** Whether a file is compressed by gzip, from its first bytes. */
export const isPacked = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

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
export async function firstUnpacked(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    // Only the beginning is unpacked, so a missing end is no error.
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
