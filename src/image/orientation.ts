// Turns a picture upright that was stored rotated or mirrored.
import type { Picture } from "./picture.ts";

/** From this orientation on, rows of the file are columns of the picture. */
const FIRST_TURNED = 5;

/**
 * Returns the upright picture for one stored in TIFF/EXIF orientation 1 to 8: 1 upright, 2 mirrored left to right, 3 rotated by
 * 180°, 4 mirrored top to bottom, 5 mirrored along the main diagonal, 6 needs a clockwise turn, 7 mirrored along the other
 * diagonal, 8 needs an anticlockwise turn.
 */
export function upright(stored: Picture, orientation: number): Picture {
  if (orientation === 1) return stored;
  const { pixels: from, width, height } = stored;
  const turned = orientation >= FIRST_TURNED;
  const [columns, rows] = turned ? [height, width] : [width, height];
  // Column and row of the first source pixel, and the step from one pixel to the next along a row and along a column.
  const fromRight = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8;
  const fromBottom = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  const start = (fromRight ? width - 1 : 0) + (fromBottom ? height - 1 : 0) * width;
  const across = fromRight ? -1 : 1;
  const down = fromBottom ? -width : width;
  const [alongRow, alongColumn] = turned ? [down, across] : [across, down];
  const pixels = from instanceof Uint8Array ? new Uint8Array(from.length) : new Uint16Array(from.length);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0, at = start + row * alongColumn; column < columns; column++, at += alongRow, to++) {
      pixels[to] = from[at] as number;
    }
  }
  return { ...stored, pixels, width: columns, height: rows };
}
