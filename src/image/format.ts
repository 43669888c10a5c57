// Finds the format of a picture file from its bytes, not its name.
import type { Format } from "./damage.ts";

const SIGNATURES: readonly (readonly [Format, readonly number[]])[] = [
  ["PNG", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["JPEG", [0xff, 0xd8, 0xff]],
  ["TIFF", [0x49, 0x49, 0x2a, 0x00]],
  ["TIFF", [0x4d, 0x4d, 0x00, 0x2a]],
  // BigTIFF.
  ["TIFF", [0x49, 0x49, 0x2b, 0x00]],
  ["TIFF", [0x4d, 0x4d, 0x00, 0x2b]],
];

/** Returns the format, from the first bytes; undefined for any other file, including bitmaps. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  return SIGNATURES.find(([, signature]) => signature.every((byte, index) => bytes[index] === byte))?.[0];
}
