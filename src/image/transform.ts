// Camera transforms: rotate and mirror a picture before it is stored. Pure copies of pixels, 8 or 16 bits.

import { Failure } from "../failure/failure.ts";
import type { Picture } from "./picture.ts";

/** Transforms by their established names; the last two are alternative spellings found in existing files. */
const TRANSFORMS = {
  NONE: undefined,
  HORIZONTAL_FLIP: { transposed: false, fromRight: true, fromBottom: false },
  VERTICAL_FLIP: { transposed: false, fromRight: false, fromBottom: true },
  ROTATE_180: { transposed: false, fromRight: true, fromBottom: true },
  ROTATE_90_CLOCKWISE: { transposed: true, fromRight: false, fromBottom: true },
  ROTATE_90_COUNTERCLOCKWISE: { transposed: true, fromRight: true, fromBottom: false },
  ROTATE_90: { transposed: true, fromRight: false, fromBottom: true },
  ROTATE_270: { transposed: true, fromRight: true, fromBottom: false },
} as const;

type TransformName = keyof typeof TRANSFORMS;

/** How the source is traversed: along columns instead of rows, from its right edge, from its bottom edge. */
type Reading = NonNullable<(typeof TRANSFORMS)[TransformName]>;

/**
 * Returns the picture after the transform `name` (any letter case). The input does not change; it is returned itself for NONE.
 * Failure usage.invalid for an unknown name.
 */
export function transformPicture(picture: Picture, name: string): Picture {
  const key = name.toUpperCase();
  if (!isTransform(key)) {
    throw new Failure("usage.invalid", `unknown camera transform "${name}"`, {
      hint: `use one of ${Object.keys(TRANSFORMS).join(", ")}`,
    });
  }
  const reading = TRANSFORMS[key];
  return reading === undefined ? picture : read(picture, reading);
}

function isTransform(name: string): name is TransformName {
  return name in TRANSFORMS;
}

/** Side of the blocks that a rotation copies one by one, px: reading whole columns would miss the cache each time. */
const BLOCK_PX = 64;

function read(picture: Picture, { transposed, fromRight, fromBottom }: Reading): Picture {
  const { pixels, width, height, bitDepth } = picture;
  const copy = pixels instanceof Uint8Array ? new Uint8Array(pixels.length) : new Uint16Array(pixels.length);
  // Source index of output (0, 0), and its change for one step right and one step down in the output.
  const start = (fromRight ? width - 1 : 0) + (fromBottom ? (height - 1) * width : 0);
  const alongX = fromRight ? -1 : 1;
  const alongY = fromBottom ? -width : width;
  const [right, down] = transposed ? [alongY, alongX] : [alongX, alongY];
  const [outWidth, outHeight] = transposed ? [height, width] : [width, height];
  for (let top = 0; top < outHeight; top += BLOCK_PX) {
    const bottom = Math.min(top + BLOCK_PX, outHeight);
    for (let left = 0; left < outWidth; left += BLOCK_PX) {
      const end = Math.min(left + BLOCK_PX, outWidth);
      for (let y = top; y < bottom; y++) {
        let source = start + y * down + left * right;
        for (let to = y * outWidth + left; to < y * outWidth + end; to++, source += right) {
          copy[to] = pixels[source] as number;
        }
      }
    }
  }
  return { pixels: copy, width: outWidth, height: outHeight, bitDepth };
}
