// The printed characters as outlines on a grid of 5 x 7 cells, strokes one cell wide, corners cut at 45 degrees.
// Upright, y downwards; an established picture shows them upside down (see layout.ts). Own drawings.

/** Cells across and down one character. */
export const GLYPH_CELLS = { width: 5, height: 7 } as const;

/** A closed outline: x0, y0, x1, y1, … in cells. */
type Outline = readonly number[];

/** One character: outlines filled by the even-odd rule, so that a second one inside the first is a hole. */
export type Glyph = readonly Outline[];

// Left and right half of the strokes that several characters share.
const TOP_HOOK = [3.5, 1, 1.5, 1, 1, 1.5, 1, 2, 0, 2, 0, 1];
const BOTTOM_HOOK = [4, 7, 1, 7, 0, 6, 0, 5, 1, 5, 1, 5.5, 1.5, 6, 3.5, 6];
const RIGHT_NOTCH = [5, 1, 5, 3, 4.5, 3.5, 5, 4, 5, 6];
const UPPER_HOLE = [1.5, 1, 3.5, 1, 4, 1.5, 4, 2.5, 3.5, 3, 1.5, 3, 1, 2.5, 1, 1.5];
const SIX_BODY = [
  1, 0, 4, 0, 5, 1, 5, 2, 4, 2, 4, 1.5, 3.5, 1, 1.5, 1, 1, 1.5, 1, 3, 4, 3, 5, 4, 5, 6, 4, 7, 1, 7, 0, 6, 0, 1,
];
const SIX_HOLE = [1, 4, 3.5, 4, 4, 4.5, 4, 5.5, 3.5, 6, 1.5, 6, 1, 5.5];

const GLYPHS: Readonly<Record<string, Glyph>> = {
  "0": [
    [1, 0, 4, 0, 5, 1, 5, 6, 4, 7, 1, 7, 0, 6, 0, 1],
    [1.5, 1, 3.5, 1, 4, 1.5, 4, 5.5, 3.5, 6, 1.5, 6, 1, 5.5, 1, 1.5],
  ],
  "1": [[2, 0, 3, 0, 3, 6, 5, 6, 5, 7, 0, 7, 0, 6, 2, 6, 2, 1.5, 0.5, 3, 0, 3, 0, 2]],
  "2": [
    [
      1, 0, 4, 0, 5, 1, 5, 3.5, 4, 4.5, 1.5, 4.5, 1, 5, 1, 6, 5, 6, 5, 7, 0, 7, 0, 4.5, 1, 3.5, 3.5, 3.5, 4, 3, 4, 1.5,
    ].concat(TOP_HOOK),
  ],
  "3": [
    [1, 0, 4, 0].concat(
      RIGHT_NOTCH,
      BOTTOM_HOOK,
      [4, 5.5, 4, 4.5, 3.5, 4, 2, 4, 2, 3, 3.5, 3, 4, 2.5, 4, 1.5],
      TOP_HOOK,
    ),
  ],
  "4": [
    [3, 0, 4, 0, 4, 4.5, 5, 4.5, 5, 5.5, 4, 5.5, 4, 7, 3, 7, 3, 5.5, 0, 5.5, 0, 3],
    [2.5, 2, 3, 2, 3, 4.5, 1, 4.5, 1, 3.5],
  ],
  "5": [[0, 0, 5, 0, 5, 1, 1, 1, 1, 2.5, 4, 2.5, 5, 3.5, 5, 6].concat(BOTTOM_HOOK, [4, 5.5, 4, 4, 3.5, 3.5, 0, 3.5])],
  "6": [SIX_BODY, SIX_HOLE],
  "7": [[0, 0, 5, 0, 5, 2, 3, 4, 3, 7, 2, 7, 2, 3.6, 4, 1.6, 4, 1, 0, 1]],
  "8": [
    [1, 0, 4, 0].concat(RIGHT_NOTCH, [4, 7, 1, 7, 0, 6, 0, 4, 0.5, 3.5, 0, 3, 0, 1]),
    UPPER_HOLE,
    shifted(UPPER_HOLE, 3),
  ],
  "9": [turned(SIX_BODY), turned(SIX_HOLE)],
  A: [
    [1.5, 0, 3.5, 0, 5, 1.5, 5, 7, 4, 7, 4, 4.5, 1, 4.5, 1, 7, 0, 7, 0, 1.5],
    [2, 1, 3, 1, 4, 2, 4, 3.5, 1, 3.5, 1, 2],
  ],
  B: [
    [0, 0, 4, 0].concat(RIGHT_NOTCH, [4, 7, 0, 7]),
    [1, 1, 3.5, 1, 4, 1.5, 4, 2.5, 3.5, 3, 1, 3],
    [1, 4, 3.5, 4, 4, 4.5, 4, 5.5, 3.5, 6, 1, 6],
  ],
  C: [
    [
      1, 0, 4, 0, 5, 1, 5, 2, 4, 2, 4, 1.5, 3.5, 1, 1.5, 1, 1, 1.5, 1, 5.5, 1.5, 6, 3.5, 6, 4, 5.5, 4, 5, 5, 5, 5, 6, 4,
      7, 1, 7, 0, 6, 0, 1,
    ],
  ],
  D: [
    [0, 0, 3.5, 0, 5, 1.5, 5, 5.5, 3.5, 7, 0, 7],
    [1, 1, 3, 1, 4, 2, 4, 5, 3, 6, 1, 6],
  ],
  E: [[0, 0, 5, 0, 5, 1, 1, 1, 1, 3, 3, 3, 3, 4, 1, 4, 1, 6, 5, 6, 5, 7, 0, 7]],
  F: [[0, 0, 5, 0, 5, 1, 1, 1, 1, 3, 3, 3, 3, 4, 1, 4, 1, 7, 0, 7]],
  G: [
    [
      1, 0, 4, 0, 5, 1, 5, 2, 4, 2, 4, 1.5, 3.5, 1, 1.5, 1, 1, 1.5, 1, 5.5, 1.5, 6, 3.5, 6, 4, 5.5, 4, 4, 2.5, 4, 2.5,
      3, 5, 3, 5, 6, 4, 7, 1, 7, 0, 6, 0, 1,
    ],
  ],
  H: [[0, 0, 1, 0, 1, 3, 4, 3, 4, 0, 5, 0, 5, 7, 4, 7, 4, 4, 1, 4, 1, 7, 0, 7]],
  I: [[1.5, 0, 3.5, 0, 3.5, 1, 3, 1, 3, 6, 3.5, 6, 3.5, 7, 1.5, 7, 1.5, 6, 2, 6, 2, 1, 1.5, 1]],
};

/** Returns the outlines of a character; an empty glyph for one that is never printed on a chip. */
export function glyph(character: string): Glyph {
  return GLYPHS[character] ?? [];
}

/** Returns where a character's ink ends, as a share of the character's width. */
export function glyphReach(character: string): number {
  const xs = glyph(character).flatMap((outline) => outline.filter((_, i) => i % 2 === 0));
  return xs.length === 0 ? 1 : Math.max(...xs) / GLYPH_CELLS.width;
}

function shifted(outline: Outline, dy: number): Outline {
  return outline.map((value, i) => (i % 2 === 0 ? value : value + dy));
}

/** Returns the outline rotated by 180 degrees. */
function turned(outline: Outline): Outline {
  return outline.map((value, i) => (i % 2 === 0 ? GLYPH_CELLS.width : GLYPH_CELLS.height) - value);
}
