// Finds the full-scale value of a picture. Cameras with 10, 12 or 14 bits store their samples in the low or in the high bits of
// 16, so the saturated value differs; native/image/depth.h decides which. Everything uses this one function: the flag
// `saturated`, the values shown for capture and preview, and the page.

import type { Depth, DepthKnowledge } from "../measurement/depth.ts";
import { loadKernel } from "../native/kernel-binding.ts";
import type { Picture } from "./picture.ts";

/** Returns what is known before any picture has been seen: only the setting. */
export function depthBefore(bits: number): DepthKnowledge {
  return { bits, largest: 0, shift: 16, top: 0 };
}

export function encodeDepth({ bits, largest, shift, top }: DepthKnowledge): Int32Array {
  return Int32Array.of(bits, largest, shift, top);
}

export function decodeDepth(numbers: Int32Array, bits: number): Depth {
  const [saturation = 0, full = 0, largest = 0, shift = 0, top = 0] = numbers;
  return { bits, saturation, full, largest, shift, top };
}

interface NativeDepth {
  depth(pixels: Uint8Array | Uint16Array, width: number, height: number, known: Int32Array): Int32Array;
}

/** Returns the full scale of a picture. 8-bit pictures always end at 255. */
export function depthOf({ pixels, width, height }: Picture, known: DepthKnowledge = depthBefore(0)): Depth {
  const numbers = (loadKernel() as NativeDepth).depth(pixels, width, height, encodeDepth(known));
  return decodeDepth(numbers, known.bits);
}

/** Collects what the pictures of a series reveal about their camera, for the pictures that follow. */
export class DepthKeeper {
  #known: DepthKnowledge;

  /** `bits`: the configured bit depth. */
  constructor(bits: number) {
    this.#known = depthBefore(bits);
  }

  get known(): DepthKnowledge {
    return this.#known;
  }

  /** Adds what one picture revealed; undefined for an 8-bit picture. Pictures may come in any order. */
  learn(depth: DepthKnowledge | undefined): void {
    if (depth === undefined) return;
    const { bits } = this.#known;
    const largest = Math.max(this.#known.largest, depth.largest);
    const top = Math.max(this.#known.top, depth.top);
    // A value above the assumed full scale proves the assumption wrong.
    this.#known = {
      bits,
      largest,
      shift: Math.min(this.#known.shift, depth.shift),
      top: top < largest ? 0 : top,
    };
  }
}
