// Measures how far the content of one picture has moved against another, without knowing the content. Uses phase correlation:
// first of the whole pictures, reduced, then of squares spread over them. The squares give shift, rotation and the error of
// both. Things that move by themselves (a band, a bubble) lose their weight.
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import type { Displacement } from "../measurement/displacement.ts";
import { fitMovement } from "./drift.ts";
import { phaseCorrelation } from "./phase-correlation.ts";

/** Side of the reduced whole picture, px. */
const OVERVIEW = 512;
/** Side of a square, px; half of it in small pictures. */
const SQUARE = 128;
const MOST_ACROSS = 8;
/** Minimum strength of a peak; weaker ones come from squares without content. */
const LEAST_STRENGTH = 12;
/** Maximum number of times that a square is cut out again at the position where it was found. */
const ROUNDS = 8;
const ENOUGH_PX = 0.005;
/** Maximum distance from the coarse position, as a share of a square; squares farther away are similar-looking others. */
const NEAR = 0.25;

/**
 * Returns the movement of `b` against `a`; undefined if nothing in them matches. `patches` of the result are squares. Failure
 * `usage.invalid` if the pictures differ in size.
 */
export function pictureShift(a: Picture, b: Picture): Displacement | undefined {
  checkAlike(a, b);
  const coarse = coarseShift(a, b);
  if (coarse === undefined) return undefined;
  const side = Math.min(a.width, a.height) >= 3 * SQUARE ? SQUARE : SQUARE / 2;
  const found = squaresOf(a, side).flatMap(([left, top]) => {
    const moved = squareShift(a, b, left, top, side, coarse);
    if (moved === undefined) return [];
    const [x, y] = [left + side / 2 - Math.floor(a.width / 2), top + side / 2 - Math.floor(a.height / 2)];
    return [{ ...moved, x, y }];
  });
  const fitted = found.length < FEWEST_SQUARES ? undefined : fitMovement(found);
  return fitted && { ...fitted, errorPx: Math.hypot(fitted.errorPx, FINEST_PX) };
}

/** With fewer squares, a rotation cannot be fitted if one is an outlier. */
const FEWEST_SQUARES = 4;
/** Common error of all squares because of interpolation, px. */
const FINEST_PX = 0.01;

/** Throws if two pictures cannot be subtracted from each other. */
export function checkAlike(a: Picture, b: Picture): void {
  const size = ({ width, height }: Picture) => `${width} × ${height} px`;
  if (a.width !== b.width || a.height !== b.height) {
    throw new Failure("usage.invalid", `the images differ in size: ${size(a)} and ${size(b)}`, {
      hint: "compare two images of the same camera and format",
    });
  }
  if (a.bitDepth !== b.bitDepth) {
    throw new Failure("usage.invalid", `the images differ in depth: ${a.bitDepth} and ${b.bitDepth} bits`, {
      hint: "compare two images of the same camera and format",
    });
  }
}

interface Shift {
  readonly dx: number;
  readonly dy: number;
}

function coarseShift(a: Picture, b: Picture): Shift | undefined {
  const factor = Math.max(1, Math.ceil(Math.max(a.width, a.height) / OVERVIEW));
  const found = phaseCorrelation(overviewOf(a, factor), overviewOf(b, factor), OVERVIEW);
  if (found === undefined) return undefined;
  return { dx: Math.round(found.dx * factor), dy: Math.round(found.dy * factor) };
}

/** Returns the means of factor x factor pixels in the middle of a square; the rest is filled with their mean. */
function overviewOf({ pixels, width, height }: Picture, factor: number): Float64Array {
  const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)];
  const [left, top] = [(OVERVIEW - columns) >> 1, (OVERVIEW - rows) >> 1];
  const square = new Float64Array(OVERVIEW * OVERVIEW).fill(Number.NaN);
  let total = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let sum = 0;
      for (let y = row * factor; y < (row + 1) * factor; y += 1) {
        for (let x = column * factor; x < (column + 1) * factor; x += 1) sum += pixels[y * width + x] as number;
      }
      square[(top + row) * OVERVIEW + left + column] = sum / (factor * factor);
      total += sum / (factor * factor);
    }
  }
  const mean = total / (columns * rows);
  return square.map((value) => (Number.isNaN(value) ? mean : value));
}

/** Returns the upper left corners of squares that are spread evenly over the picture. */
function squaresOf({ width, height }: Picture, side: number): [number, number][] {
  const places = (length: number) => {
    const count = Math.min(MOST_ACROSS, Math.floor(length / side));
    const pitch = count > 1 ? (length - side) / (count - 1) : 0;
    return Array.from({ length: count }, (_x, at) => Math.round(at * pitch));
  };
  return places(height).flatMap((top) => places(width).map((left): [number, number] => [left, top]));
}

/**
 * Returns the movement of one square. It is cut out again at the position where it was found, also between pixels, until no
 * movement remains: otherwise the fading edges of two displaced squares would make the movement too small.
 */
function squareShift(
  a: Picture,
  b: Picture,
  left: number,
  top: number,
  side: number,
  coarse: Shift,
): Shift | undefined {
  const here = cut(a, left, top, side);
  if (here === undefined) return undefined;
  let { dx, dy } = coarse;
  for (let round = 0; round < ROUNDS; round += 1) {
    const there = cut(b, left + dx, top + dy, side);
    const peak = there && phaseCorrelation(here, there, side);
    if (peak === undefined || peak.strength < LEAST_STRENGTH) return undefined;
    dx += peak.dx;
    dy += peak.dy;
    if (Math.hypot(dx - coarse.dx, dy - coarse.dy) > NEAR * side) return undefined;
    if (Math.hypot(peak.dx, peak.dy) < ENOUGH_PX) return { dx, dy };
  }
  return undefined;
}

/** Returns the square from (left, top) on, between pixels by cubic interpolation; undefined if it is not completely inside. */
function cut({ pixels, width, height }: Picture, left: number, top: number, side: number): Float64Array | undefined {
  const [x0, y0] = [Math.floor(left), Math.floor(top)];
  const [acrossBy, downBy] = [cubic(left - x0), cubic(top - y0)];
  const [before, after] = [left === x0 ? 0 : 1, left === x0 ? 0 : 2];
  const [above, below] = [top === y0 ? 0 : 1, top === y0 ? 0 : 2];
  if (x0 < before || y0 < above || x0 + side + after > width || y0 + side + below > height) return undefined;
  const lines = side + above + below;
  const across = new Float64Array(lines * side);
  for (let row = 0; row < lines; row += 1) {
    const from = (y0 - above + row) * width + x0;
    for (let column = 0; column < side; column += 1) {
      let sum = 0;
      for (let tap = -before; tap <= after; tap += 1) {
        sum += (acrossBy[tap + 1] as number) * (pixels[from + column + tap] as number);
      }
      across[row * side + column] = sum;
    }
  }
  return Float64Array.from({ length: side * side }, (_x, at) => {
    let sum = 0;
    for (let tap = -above; tap <= below; tap += 1) {
      sum += (downBy[tap + 1] as number) * (across[at + (tap + above) * side] as number);
    }
    return sum;
  });
}

/** Returns the weights of the pixels at -1, 0, 1 and 2 for a value at `part` between 0 and 1 (Catmull and Rom). */
function cubic(part: number): readonly number[] {
  const [square, cube] = [part * part, part * part * part];
  return [
    (-part + 2 * square - cube) / 2,
    1 + (-5 * square + 3 * cube) / 2,
    (part + 4 * square - 3 * cube) / 2,
    (cube - square) / 2,
  ];
}
