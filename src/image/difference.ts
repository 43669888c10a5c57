// Computes a colour picture of the difference of two pictures: red where the second is brighter, blue where the first is, white
// where they agree. If the sample has moved, its edges are red and blue.
import type { Picture } from "./picture.ts";

export interface Difference {
  /** Red, green, blue of each pixel, row-major. */
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Factor applied to the second picture so that both have the same mean brightness. */
  readonly gain: number;
  /** Difference that gets the strongest colour, counts of the first picture. Larger differences get the same colour. */
  readonly fullScale: number;
}

/** Share of the pixels that may exceed the colour scale, so that a few specks do not make everything else pale. */
const BEYOND = 0.001;
/** Smallest colour scale, counts. A smaller scale would only show rounding errors. */
const LEAST_SCALE = 1;
const [BLUE, RED] = [
  [33, 102, 172],
  [178, 24, 43],
] as const;

/**
 * Subtracts the first picture from the second, after scaling both to the same mean brightness. Both must have the same size.
 */
export function pictureDifference(a: Picture, b: Picture): Difference {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  const gain = meanB > 0 && meanA > 0 ? meanA / meanB : 1;
  const differences = Float32Array.from(a.pixels, (value, at) => gain * (b.pixels[at] as number) - value);
  const fullScale = Math.max(LEAST_SCALE, scaleOf(differences, a.bitDepth === 8 ? 255 : 65_535));
  const rgb = new Uint8Array(3 * differences.length);
  differences.forEach((difference, at) => {
    const share = Math.min(Math.abs(difference) / fullScale, 1);
    const colour = difference > 0 ? RED : BLUE;
    for (let channel = 0; channel < 3; channel += 1) {
      rgb[3 * at + channel] = Math.round(255 + share * ((colour[channel] as number) - 255));
    }
  });
  return { rgb, width: a.width, height: a.height, gain, fullScale };
}

function meanOf({ pixels }: Picture): number {
  let sum = 0;
  for (const value of pixels) sum += value;
  return sum / Math.max(pixels.length, 1);
}

/** Returns the absolute difference that only the share BEYOND of the pixels exceeds, from a histogram of whole counts. */
function scaleOf(differences: Float32Array, most: number): number {
  const counts = new Uint32Array(most + 2);
  for (const difference of differences) {
    const size = Math.min(Math.ceil(Math.abs(difference)), most + 1);
    counts[size] = (counts[size] as number) + 1;
  }
  let beyond = BEYOND * differences.length;
  for (let size = most + 1; size > 0; size -= 1) {
    beyond -= counts[size] as number;
    if (beyond < 0) return size;
  }
  return 0;
}
