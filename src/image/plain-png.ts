// Reads plain gray PNG files with the kernel (native/image/decode_png.cc).
import { loadKernel } from "../native/kernel-binding.ts";
import type { Picture } from "./picture.ts";

interface Native {
  decodePng(bytes: Uint8Array): Picture | undefined;
}

/**
 * Returns the pixels of a plain gray PNG: one channel of 8 or 16 bits, not interlaced, all checksums right, no chunk that
 * changes the meaning of samples. Returns undefined for any other file, including damaged ones; the general reader then
 * decides.
 */
export function decodePlainPng(bytes: Uint8Array): Picture | undefined {
  return (loadKernel() as Native).decodePng(bytes);
}
