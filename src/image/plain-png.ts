// Plain gray PNG, read by the kernel (native/image/decode_png.cc).
import { loadKernel } from "../native/kernel-binding.ts";
import type { Picture } from "./picture.ts";

interface Native {
  decodePng(bytes: Uint8Array): Picture | undefined;
}

/**
 * The pixels of a plain gray PNG: one channel of 8 or 16 bits, not interlaced, every checksum right, no chunk that
 * changes the meaning of samples. Undefined for any other file, damaged ones among them: a general reader decides.
 */
export function decodePlainPng(bytes: Uint8Array): Picture | undefined {
  return (loadKernel() as Native).decodePng(bytes);
}
