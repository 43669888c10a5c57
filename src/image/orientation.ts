// Turning a picture upright that was stored turned or mirrored.
import type { Picture } from "./picture.ts";

/** The first orientation in which rows of the file are columns of the picture. */
const FIRST_TURNED = 5;

/**
 * The upright picture of one that is stored in the orientation 1 to 8 of TIFF and EXIF: 1 upright, 2
 * mirrored left to right, 3 turned by 180°, 4 mirrored top to bottom, 5 mirrored along the main diagonal, 6 to be turned
 * clockwise, 7 mirrored along the other diagonal, 8 to be turned anticlockwise.
 */
export function upright(stored: Picture, orientation: number): Picture {
  if (orientation === 1) return stored;
  const { pixels: from, width, height } = stored;
  const turned = orientation >= FIRST_TURNED;
  const [columns, rows] = turned ? [height, width] : [width, height];
  // From which column and row the first pixel comes, and how far the next one is, along a row and along a column.
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
