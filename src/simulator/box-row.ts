// Finds the pixels of a picture row within a box that is upright in the aligned picture: along a row, both box coordinates are
// linear in x.

/** The position of a row in a box: pixel x has its centre at (along + cos·x, below + sin·x), px from the box's top left. */
export interface RowInBox {
  readonly along: number;
  readonly cos: number;
  readonly below: number;
  readonly sin: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns the pixels of a row of `length` whose centres are at least `inset` inside a box; none if last < first. */
export function pixelsWithin(
  length: number,
  { along, cos, below, sin }: RowInBox,
  { width, height }: Size,
  inset: number,
): { first: number; last: number } {
  const across = span(along - inset, cos, width - 2 * inset);
  const down = span(below - inset, sin, height - 2 * inset);
  const first = Math.max(0, Math.ceil(Math.max(across.from, down.from)));
  const last = Math.min(length - 1, Math.floor(Math.min(across.to, down.to)));
  return last < first ? { first: length, last: -1 } : { first, last };
}

/** Returns where start + step·x is between 0 and length. */
function span(start: number, step: number, length: number): { from: number; to: number } {
  if (Math.abs(step) < 1e-12) {
    const inside = start >= 0 && start <= length;
    return inside
      ? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
      : { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  }
  const a = -start / step;
  const b = (length - start) / step;
  return { from: Math.min(a, b), to: Math.max(a, b) };
}
