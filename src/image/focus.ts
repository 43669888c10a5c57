// Two figures by which a person focuses and lights a chip.
import { depthBefore, depthOf } from "./bit-depth.ts";
import type { Picture } from "./picture.ts";

export interface Sharpness {
  /** Variance of the Laplacian, in counts² of 8 bits: highest where the picture is sharpest. */
  readonly focus: number;
  /** Share of pixels at the top of the range. */
  readonly saturated: number;
  /** Mean of all pixels, in counts of 8 bits. */
  readonly brightness: number;
}

/**
 * Focus by the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR
 * 2000) with the kernel 0 1 0 / 1 -4 1 / 0 1 0 over the inner pixels; saturation and brightness over all.
 * `bits`: of the camera's samples in a 16-bit picture, 0 where the picture is to show them.
 */
export function sharpnessOf(picture: Picture, bits = 0): Sharpness {
  const { pixels, width, height } = picture;
  const { saturation: white, full } = depthOf(picture, depthBefore(bits));
  const toCounts = 255 / full;
  let [sum, saturated] = [0, 0];
  for (const value of pixels) {
    sum += value;
    if (value >= white) saturated++;
  }
  let [mean, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, at = y * width + 1; x < width - 1; x++, at++) {
      const around = (pixels[at - 1] as number) + (pixels[at + 1] as number);
      const across = (pixels[at - width] as number) + (pixels[at + width] as number);
      const laplacian = (around + across - 4 * (pixels[at] as number)) * toCounts;
      count++;
      // Welford: sums of squares of 64 million values would lose the last digits.
      const step = laplacian - mean;
      mean += step / count;
      squares += step * (laplacian - mean);
    }
  }
  const all = Math.max(1, pixels.length);
  return {
    focus: count === 0 ? 0 : squares / count,
    saturated: saturated / all,
    brightness: (sum / all) * toCounts,
  };
}
