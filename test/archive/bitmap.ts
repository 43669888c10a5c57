// An 8-bit gray bitmap, as microscope software writes it: uncompressed, rows from the bottom up, in whole words.
import type { Picture } from "../../src/image/picture.ts";

const HEADER_BYTES = 54;
const PALETTE_BYTES = 1024;

/** The bytes of an 8-bit picture as a .bmp file. */
export function bmpOf({ width, height, pixels }: Picture): Buffer {
  const stride = Math.ceil(width / 4) * 4;
  const file = Buffer.alloc(HEADER_BYTES + PALETTE_BYTES + stride * height);
  file.write("BM", 0);
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(HEADER_BYTES + PALETTE_BYTES, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(8, 28);
  file.writeUInt32LE(stride * height, 34);
  for (let gray = 0; gray < 256; gray += 1) file.fill(gray, HEADER_BYTES + gray * 4, HEADER_BYTES + gray * 4 + 3);
  for (let row = 0; row < height; row += 1) {
    const at = HEADER_BYTES + PALETTE_BYTES + (height - 1 - row) * stride;
    file.set(pixels.subarray(row * width, (row + 1) * width), at);
  }
  return file;
}
