// Which pixels of a picture row belong to a box that is upright in the aligned picture: along a row both of the box's
// coordinates are linear in x.

/** A row's place in a box: pixel x has its centre at (along + cos·x, below + sin·x), px from the box's top left. */
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

/** The pixels of a row of `length` whose centres are at least `inset` inside a box; none when last < first. */
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

/** Where start + step·x is between 0 and length. */
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
