// Decodes Windows bitmaps, which the libvips that ships with sharp cannot read: the uncompressed 8-, 24- and 32-bit kinds that
// cameras and their programs write. All other kinds are refused with their name; nothing is guessed.
import { Failure } from "../failure/failure.ts";
import { grayOf, type Picture } from "./picture.ts";

const FILE_HEADER_BYTES = 14;
const INFO_HEADER_BYTES = 40;
const UNCOMPRESSED = 0;
const BIT_FIELDS = 3;
/** Red, green and blue masks of the only bit-field layout accepted: the same bytes as uncompressed 32 bit. */
const PLAIN_MASKS = [0x00ff0000, 0x0000ff00, 0x000000ff];

/** Whether the bytes begin like a bitmap. */
export function isBmp(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * Decodes a bitmap to gray. Palettes and true colour become gray, alpha is ignored, and rows are returned top first whichever
 * way the file stores them. The pixels may share the memory of `bytes`. `where` names the file in errors. Throws Failure
 * `frame.unreadable`.
 */
export function decodeBmp(bytes: Uint8Array, where: string): Picture {
  const refuse = (what: string, hint: string) => new Failure("frame.unreadable", `${where}: ${what}`, { hint });
  const truncated = () =>
    refuse("the bitmap is incomplete", "the file was not written or copied completely; copy it again");
  if (bytes.length < FILE_HEADER_BYTES + INFO_HEADER_BYTES) throw truncated();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixelsAt = view.getUint32(10, true);
  const headerBytes = view.getUint32(14, true);
  const width = view.getInt32(18, true);
  const storedHeight = view.getInt32(22, true);
  const bitsPerPixel = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if (headerBytes < INFO_HEADER_BYTES || width <= 0 || storedHeight === 0) {
    throw refuse("not a supported bitmap", "save it as PNG or TIFF");
  }
  if (bitsPerPixel !== 8 && bitsPerPixel !== 24 && bitsPerPixel !== 32) {
    throw refuse(`a bitmap of ${bitsPerPixel} bits per pixel`, "save it with 8, 24 or 32 bits, or as PNG or TIFF");
  }
  const masksPlain = compression === BIT_FIELDS && bitsPerPixel === 32 && hasPlainMasks(view);
  if (compression !== UNCOMPRESSED && !masksPlain) {
    throw refuse("a compressed bitmap", "save it uncompressed, or as PNG or TIFF");
  }
  const height = Math.abs(storedHeight);
  const bytesPerPixel = bitsPerPixel / 8;
  const stride = Math.ceil((width * bytesPerPixel) / 4) * 4;
  if (
    pixelsAt < FILE_HEADER_BYTES + headerBytes ||
    pixelsAt + stride * (height - 1) + width * bytesPerPixel > bytes.length
  ) {
    throw truncated();
  }
  const palette = bitsPerPixel === 8 ? readPalette(view, headerBytes, pixelsAt) : undefined;
  if (bitsPerPixel === 8 && palette === undefined)
    throw refuse("the palette of the bitmap is damaged", "copy it again");

  const upright = storedHeight < 0;
  const isGray = palette?.every((gray, index) => gray === index) ?? false;
  if (isGray && upright && stride === width) {
    const pixels = new Uint8Array(bytes.buffer, bytes.byteOffset + pixelsAt, width * height);
    return { pixels, width, height, bitDepth: 8 };
  }
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    // A positive height means that the bottom row comes first.
    let from = pixelsAt + stride * (upright ? row : height - 1 - row);
    const to = row * width;
    if (isGray) {
      pixels.set(bytes.subarray(from, from + width), to);
      continue;
    }
    for (let column = 0; column < width; column++, from += bytesPerPixel) {
      const first = bytes[from] as number;
      pixels[to + column] =
        palette === undefined
          ? grayOf(bytes[from + 2] as number, bytes[from + 1] as number, first)
          : (palette[first] as number);
    }
  }
  return { pixels, width, height, bitDepth: 8 };
}

/**
 * Whether a bit-field bitmap stores its colours in the same bytes as an uncompressed one. The masks follow the first 40 bytes.
 */
function hasPlainMasks(view: DataView): boolean {
  const at = FILE_HEADER_BYTES + INFO_HEADER_BYTES;
  return (
    at + 12 <= view.byteLength && PLAIN_MASKS.every((mask, index) => view.getUint32(at + 4 * index, true) === mask)
  );
}

/**
 * Returns the gray value of each palette index (missing colours are black), or undefined if the palette overlaps the pixels.
 */
function readPalette(view: DataView, headerBytes: number, pixelsAt: number): Uint8Array | undefined {
  const at = FILE_HEADER_BYTES + headerBytes;
  const declared = view.getUint32(46, true);
  const colours = declared === 0 ? 256 : declared;
  if (colours > 256 || at + 4 * colours > pixelsAt) return undefined;
  const palette = new Uint8Array(256);
  for (let index = 0; index < colours; index++) {
    const entry = at + 4 * index;
    palette[index] = grayOf(view.getUint8(entry + 2), view.getUint8(entry + 1), view.getUint8(entry));
  }
  return palette;
}
