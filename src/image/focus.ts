// Numbers that help the user to focus and light a chip.
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
 * Returns focus, saturation and brightness of a picture. `bits`: bit depth of the camera in a 16-bit picture; 0: find it from
 * the pixels.
 */
export function sharpnessOf(picture: Picture, bits = 0): Sharpness {
  const { pixels } = picture;
  const { saturation: white, full } = depthOf(picture, depthBefore(bits));
  let [sum, saturated] = [0, 0];
  for (const value of pixels) {
    sum += value;
    if (value >= white) saturated++;
  }
  const all = Math.max(1, pixels.length);
  return { focus: focusOf(picture, full), saturated: saturated / all, brightness: (sum / all) * (255 / full) };
}

/**
 * Returns the sharpness of a picture, in counts² of 8 bits: the variance of the Laplacian with the kernel 0 1 0 / 1 -4 1 / 0 1
 * 0 over the inner pixels (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000). It is sensitive in
 * both directions, and insensitive to a slow change of light across the picture. It grows with the square of the brightness, so
 * compare only pictures with the same exposure. `full`: the full scale of the picture; `every`: use one row in this many.
 */
export function focusOf({ pixels, width, height }: Picture, full: number, every = 1): number {
  const toCounts = 255 / full;
  let [mean, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y += every) {
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
  return count === 0 ? 0 : squares / count;
}
