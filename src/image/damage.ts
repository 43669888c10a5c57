// Explains why a picture cannot be read, from the bytes of the file. The error texts of libvips are never quoted: they come
// from one buffer for the whole process, so while several pictures are decoded at once they may be about another file.
import { crc32 } from "node:zlib";
import type { PictureSize } from "./memory.ts";

export type Format = "PNG" | "JPEG" | "TIFF";

const PNG_START = 8;
/** Length, type and checksum of a chunk. */
const CHUNK_FRAME = 12;
const IHDR_BYTES = 13;
/** Samples per pixel by PNG's colour type: gray, RGB, palette (decoded to RGB), gray and RGB with alpha. */
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };
const JPEG_END = 0xd9;
const TIFF_STRIPS = [273, 279] as const;
const TIFF_TILES = [324, 325] as const;

/** Describes the damage of a picture that a decoder has refused. The text completes the sentence "is damaged or cut off: ". */
export function damageOf(bytes: Uint8Array, format: Format): string {
  const found = { PNG: pngDamage, JPEG: jpegDamage, TIFF: tiffDamage }[format](bytes);
  return found ?? "its pixels cannot be decompressed";
}

/** Returns the size in a PNG's header; undefined if it is not a PNG header. */
export function pngSize(bytes: Uint8Array): PictureSize | undefined {
  if (bytes.length < PNG_START + CHUNK_FRAME + IHDR_BYTES) return undefined;
  const view = viewOf(bytes);
  const channels = PNG_CHANNELS[view.getUint8(25)];
  if (view.getUint32(8) !== IHDR_BYTES || channels === undefined) return undefined;
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    channels,
    bytesPerSample: view.getUint8(24) > 8 ? 2 : 1,
    buffered: view.getUint8(28) !== 0,
  };
}

function pngDamage(bytes: Uint8Array): string | undefined {
  const view = viewOf(bytes);
  for (let at = PNG_START; ; ) {
    if (at + CHUNK_FRAME > bytes.length) return `it ends after ${bytes.length} bytes, before its last chunk`;
    const length = view.getUint32(at);
    const end = at + CHUNK_FRAME + length;
    const type = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, 4).toString("latin1");
    if (!/^[A-Za-z]{4}$/.test(type)) return `there is no PNG chunk at byte ${at}`;
    if (end > bytes.length) return `it ends after ${bytes.length} bytes, within its chunk ${type}`;
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      return `the checksum of its chunk ${type} at byte ${at} is wrong`;
    }
    if (type === "IEND") return undefined;
    at = end;
  }
}

function jpegDamage(bytes: Uint8Array): string | undefined {
  for (let at = bytes.length - 2; at >= 2; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === JPEG_END) return undefined;
  }
  return `it ends after ${bytes.length} bytes, before its end marker`;
}

function tiffDamage(bytes: Uint8Array): string | undefined {
  const beyond = `it ends after ${bytes.length} bytes, before`;
  if (bytes.length < 8) return `${beyond} its directory`;
  const view = viewOf(bytes);
  const little = view.getUint16(0) === 0x4949;
  // BigTIFF directories have a different layout.
  if (view.getUint16(2, little) !== 42) return undefined;
  const at = view.getUint32(4, little);
  if (at + 2 > bytes.length) return `${beyond} its directory at byte ${at}`;
  const end = at + 2 + 12 * view.getUint16(at, little);
  if (end > bytes.length) return `${beyond} the end of its directory`;
  for (const [offsets, counts] of [TIFF_STRIPS, TIFF_TILES]) {
    const [first, second] = [tiffNumbers(view, at, offsets, little), tiffNumbers(view, at, counts, little)];
    if (first === undefined || second === undefined) return `${beyond} the list of its pixel positions`;
    const outside = first.findIndex((offset, index) => offset + (second[index] ?? 0) > bytes.length);
    if (outside >= 0) return `${beyond} the end of its pixels (byte ${(first[outside] ?? 0) + (second[outside] ?? 0)})`;
  }
  return undefined;
}

/**
 * Returns the values of a 16- or 32-bit field: empty if the field is absent, undefined if the values lie beyond the end of the
 * file.
 */
function tiffNumbers(view: DataView, directory: number, tag: number, little: boolean): number[] | undefined {
  const entries = view.getUint16(directory, little);
  for (let entry = directory + 2; entry < directory + 2 + 12 * entries; entry += 12) {
    if (view.getUint16(entry, little) !== tag) continue;
    const size = view.getUint16(entry + 2, little) === 3 ? 2 : 4;
    const count = view.getUint32(entry + 4, little);
    const place = size * count <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    if (place + size * count > view.byteLength) return undefined;
    return Array.from({ length: count }, (_, index) =>
      size === 2 ? view.getUint16(place + 2 * index, little) : view.getUint32(place + 4 * index, little),
    );
  }
  return [];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
