// Where the scale of a picture ends. Cameras of 10, 12 and 14 bits deliver their samples in the low or in the high bits of 16,
// so that what is cut off has another value in each; native/image/depth.h decides which. One function for all uses: the flag
// `saturated`, the figures of capture and preview, the page.

import type { Depth, DepthKnowledge } from "../measurement/depth.ts";
import { loadKernel } from "../native/kernel-binding.ts";
import type { Picture } from "./picture.ts";

/** Nothing but the setting. */
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

/** Where the scale of a picture ends. 8-bit pictures always end at 255. */
export function depthOf({ pixels, width, height }: Picture, known: DepthKnowledge = depthBefore(0)): Depth {
  const numbers = (loadKernel() as NativeDepth).depth(pixels, width, height, encodeDepth(known));
  return decodeDepth(numbers, known.bits);
}

/** What a series of pictures has shown of its camera, for those that follow. */
export class DepthKeeper {
  #known: DepthKnowledge;

  /** `bits` as configured. */
  constructor(bits: number) {
    this.#known = depthBefore(bits);
  }

  get known(): DepthKnowledge {
    return this.#known;
  }

  /** Takes over what a picture has shown; undefined for one of 8 bits. Pictures may come in any order. */
  learn(depth: DepthKnowledge | undefined): void {
    if (depth === undefined) return;
    const { bits } = this.#known;
    const largest = Math.max(this.#known.largest, depth.largest);
    const top = Math.max(this.#known.top, depth.top);
    // A larger value than a full scale shows that it was none.
    this.#known = {
      bits,
      largest,
      shift: Math.min(this.#known.shift, depth.shift),
      top: top < largest ? 0 : top,
    };
  }
}
