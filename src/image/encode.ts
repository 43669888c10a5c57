// Encodes gray pixels as picture files. decode.ts reads them.
import type { Sharp } from "sharp";
import { Failure } from "../failure/failure.ts";
import { imageLibrary } from "./library.ts";
import type { Picture } from "./picture.ts";

export const PICTURE_FORMATS = ["png", "tiff", "bmp", "jpeg"] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/**
 * Chosen from the table of bench/encode.ts: files are a fifth smaller than at level 1 for a third more time. Higher levels and
 * adaptive filtering cost more capture time than they are worth, because the compressor recompresses the files later.
 */
const PNG_LEVEL = 2;
const JPEG_QUALITY = 95;

/**
 * Encodes a gray picture: PNG and TIFF (uncompressed) in 8 or 16 bit, BMP and JPEG in 8 bit only.
 * Failure usage.invalid for another format, or for 16 bits if the format does not support them.
 */
export async function encodePicture(picture: Picture, format: string): Promise<Uint8Array> {
  const known = PICTURE_FORMATS.find((one) => one === format);
  if (known === undefined) {
    throw new Failure("usage.invalid", `unknown image format "${format}"`, {
      hint: `use one of ${PICTURE_FORMATS.join(", ")}`,
    });
  }
  if (picture.bitDepth === 16 && (known === "bmp" || known === "jpeg")) {
    throw new Failure("usage.invalid", `${known} images cannot have 16 bits`, { hint: "use png or tiff" });
  }
  switch (known) {
    case "png":
      return (await gray(picture)).png({ compressionLevel: PNG_LEVEL, adaptiveFiltering: false }).toBuffer();
    case "tiff":
      return (await gray(picture)).tiff({ compression: "none" }).toBuffer();
    case "jpeg":
      return (await gray(picture)).jpeg({ quality: JPEG_QUALITY }).toBuffer();
    case "bmp":
      return encodeBmp(picture);
  }
}

async function gray({ pixels, width, height, bitDepth }: Picture): Promise<Sharp> {
  const sharp = await imageLibrary();
  // Without an explicit output space sharp narrows 16-bit gray to 8 bits.
  const raw = { width, height, channels: 1 } as const;
  return sharp(pixels, { raw, limitInputPixels: false }).toColourspace(bitDepth === 16 ? "grey16" : "b-w");
}

const BMP_HEADER_BYTES = 14 + 40;
const PALETTE_ENTRIES = 256;
/** 2,835 pixels per metre, 72 dpi: the usual value when the resolution is unknown. */
const PIXELS_PER_METRE = 2835;

/** Encodes an 8-bit gray bitmap: a palette of 256 grays, rows from the bottom up, each padded to four bytes. */
function encodeBmp({ pixels, width, height }: Picture): Uint8Array {
  const stride = (width + 3) & ~3;
  const start = BMP_HEADER_BYTES + PALETTE_ENTRIES * 4;
  const bytes = new Uint8Array(start + stride * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, start, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 8, true);
  view.setUint32(34, stride * height, true);
  view.setInt32(38, PIXELS_PER_METRE, true);
  view.setInt32(42, PIXELS_PER_METRE, true);
  view.setUint32(46, PALETTE_ENTRIES, true);
  for (let level = 0; level < PALETTE_ENTRIES; level++) {
    bytes.set([level, level, level, 0], BMP_HEADER_BYTES + level * 4);
  }
  for (let y = 0; y < height; y++) {
    bytes.set(pixels.subarray(y * width, (y + 1) * width), start + (height - 1 - y) * stride);
  }
  return bytes;
}
