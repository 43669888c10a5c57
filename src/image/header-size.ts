// Reads the size of a picture from the header of its file, for every supported format, before anything is unpacked or decoded.
import { isBmp } from "./bmp.ts";
import { pngSize } from "./damage.ts";
import { formatOf } from "./format.ts";
import type { PictureSize } from "./memory.ts";
import { tiffSize } from "./tiff/page-fields.ts";

/** Range of JPEG start-of-frame markers, which state the size. Three markers in this range mean other things. */
const [FIRST_FRAME, LAST_FRAME] = [0xc0, 0xcf] as const;
const NO_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);
const PROGRESSIVE: ReadonlySet<number> = new Set([0xc2, 0xc6, 0xca, 0xce]);
/** Start of the picture data. */
const SCAN = 0xda;
const FRAME_BYTES = 10;
const BMP_HEADER_BYTES = 30;

/** Returns the picture size stated in the first bytes of a file; undefined if they do not state it, or it is not a picture. */
export async function headerSize(bytes: Uint8Array): Promise<PictureSize | undefined> {
  if (isBmp(bytes)) return bmpSize(bytes);
  const format = formatOf(bytes);
  if (format === undefined) return undefined;
  return { PNG: pngSize, JPEG: jpegSize, TIFF: tiffSize }[format](bytes);
}

function bmpSize(bytes: Uint8Array): PictureSize | undefined {
  if (bytes.length < BMP_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
  const channels = Math.max(1, view.getUint16(28, true) / 8);
  return width > 0 && height > 0 ? { width, height, channels, bytesPerSample: 1, buffered: false } : undefined;
}

function jpegSize(bytes: Uint8Array): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + FRAME_BYTES <= bytes.length; ) {
    const marker = bytes[at + 1] as number;
    if (bytes[at] !== 0xff || marker === SCAN) return undefined;
    // Any number of fill bytes may precede a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker >= FIRST_FRAME && marker <= LAST_FRAME && !NO_FRAME.has(marker)) {
      return {
        width: view.getUint16(at + 7),
        height: view.getUint16(at + 5),
        channels: bytes[at + 9] as number,
        bytesPerSample: 1,
        buffered: PROGRESSIVE.has(marker),
      };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
