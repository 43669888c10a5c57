// Unpacks the strips and tiles of a TIFF. An incomplete one is discarded.
/// <reference path="./fzstd.d.ts" />
import { constants, inflateSync } from "node:zlib";
import { errorCode, hasCode } from "../../failure/error-code.ts";
import { unpackLzw } from "./lzw.ts";

/** The numbers of the compressions that phorest unpacks itself. */
export const COMPRESSION = { none: 1, lzw: 5, deflate: 8, packBits: 32773, oldDeflate: 32946, zstd: 50000 } as const;

/** At most this multiple of a picture's size is unpacked. */
const MOST_SURPLUS = 64;
const READ: ReadonlySet<number> = new Set(Object.values(COMPRESSION));

export const isUnpackedHere = (compression: number): boolean => READ.has(compression);

export const isDeflate = (compression: number): boolean =>
  compression === COMPRESSION.deflate || compression === COMPRESSION.oldDeflate;

/** Whether the data may be stored as differences. For other compressions the predictor field is ignored. */
export const hasPredictor = (compression: number): boolean =>
  isUnpackedHere(compression) && compression !== COMPRESSION.none && compression !== COMPRESSION.packBits;

/**
 * Returns the first `bytes` bytes of a strip or tile; undefined if it contains fewer, or is damaged. Extra bytes are ignored:
 * some programs pad the last strip.
 */
export async function unpackStrip(
  compression: number,
  packed: Uint8Array,
  bytes: number,
): Promise<Uint8Array | undefined> {
  if (compression === COMPRESSION.none) return packed.length < bytes ? undefined : packed.subarray(0, bytes);
  if (isDeflate(compression)) return inflated(packed, bytes);
  if (compression === COMPRESSION.zstd) return unpackedZstd(packed, bytes);
  const target = new Uint8Array(bytes);
  const unpack = compression === COMPRESSION.lzw ? unpackLzw : unpackBits;
  return unpack(packed, target) < bytes ? undefined : target;
}

/** Unpacks deflate, which has a checksum at its end. */
function inflated(packed: Uint8Array, bytes: number): Uint8Array | undefined {
  try {
    const plain = inflateSync(packed, { maxOutputLength: bytes, finishFlush: constants.Z_FINISH });
    return plain.length < bytes ? undefined : plain;
  } catch (error) {
    if (hasCode(error, "ERR_BUFFER_TOO_LARGE")) return longer(packed, bytes);
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Whether a deflated strip or tile of at most `most` bytes can be unpacked to its end and matches its checksum. */
export function isDeflateWhole(packed: Uint8Array, most: number): boolean {
  try {
    inflateSync(packed, { maxOutputLength: most });
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/** Unpacks a strip with more data than belongs to the picture: the last one may be padded. */
function longer(packed: Uint8Array, bytes: number): Uint8Array | undefined {
  try {
    return inflateSync(packed, { maxOutputLength: MOST_SURPLUS * bytes }).subarray(0, bytes);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

async function unpackedZstd(packed: Uint8Array, bytes: number): Promise<Uint8Array | undefined> {
  // Loaded on demand, because hardly any file needs it.
  const { decompress } = await import("fzstd");
  const target = new Uint8Array(bytes);
  try {
    return decompress(packed, target).length < bytes ? undefined : target;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Unpacks runs of equal bytes and stretches of different bytes, each preceded by a length byte. */
function unpackBits(packed: Uint8Array, target: Uint8Array): number {
  let to = 0;
  for (let at = 0; at < packed.length && to < target.length; ) {
    const head = packed[at++] as number;
    if (head === 128) continue;
    if (head > 128) {
      const end = Math.min(target.length, to + 257 - head);
      if (at >= packed.length) return to;
      target.fill(packed[at++] as number, to, end);
      to = end;
    } else {
      const stretch = packed.subarray(at, Math.min(at + head + 1, at + target.length - to));
      target.set(stretch, to);
      to += stretch.length;
      at += head + 1;
    }
  }
  return to;
}
