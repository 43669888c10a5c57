// Finds the boxes of gratings within the cells of a lattice. Gaps are dark in every cell, while bands differ from grating to
// grating, so the mean of the cells shows the gaps.
import { type Cells, type Cellular, likenessTo, meanOf } from "./cells.ts";
import { vertex } from "./lags.ts";
import type { ChipLattice } from "./lattice.ts";
import type { Point } from "./pose.ts";

/** A box that fills this much of its cell has only one possible position. */
const FULL = 0.85;
const MOST_CORNERS = 4;
/** Corners closer than this share of the cell count as the same. */
const APART = 0.15;

/**
 * Returns the top-left corners of the box in a cell sampled around `start`, µm, most likely first. A band that is not in the
 * middle of a cell also looks like a slope of light, and removing that slope would move the gap. So cells are first used as
 * they are, except for the slope that is common to all of them.
 */
export function cornersFrom(cells: Cells, lattice: ChipLattice, start: Point): Point[] {
  const full = isFull(lattice);
  const plain = cells.sample(start, full ? "smooth" : "none");
  if (plain.places.length < 2) return [];
  const mean = typical(plain);
  if (full) return boxCorners(mean, cells, lattice, 1);
  const sloping = boxCorners(tilted(mean, cells, commonSlope(plain)), cells, lattice, MOST_CORNERS / 2);
  const levelled = cells.sample(start, "each");
  const level = typical(levelled);
  const kept = sloping;
  for (const corner of boxCorners(level, cells, lattice, MOST_CORNERS)) {
    if (kept.length < MOST_CORNERS && kept.every((one) => areApart(one, corner, lattice.pitch))) kept.push(corner);
  }
  return kept;
}

/**
 * Returns the mean of the similar cells among the loud ones: scratches and dirt are loud too, but not similar to each other.
 */
function typical({ places, patches, loudness }: Cellular): Float64Array {
  let mean = meanOf(patches, places.length, loudness);
  for (let round = 0; round < 2; round++) {
    mean = meanOf(patches, places.length, likenessTo(mean, patches, places.length));
  }
  return mean;
}

function areApart(a: Point, b: Point, pitch: Point): boolean {
  return isApart((a.x - b.x) / pitch.x) || isApart((a.y - b.y) / pitch.y);
}

/** Whether a distance in cells is not close to an integer. */
function isApart(cells: number): boolean {
  const share = Math.abs(cells) % 1;
  return Math.min(share, 1 - share) > APART;
}

/**
 * Returns how much brighter a louder cell is than the one to its left and the one above, in standard deviations of a typical
 * cell.
 */
function commonSlope({ places, means, loudness, usual }: Cellular): Point {
  const system = { cc: 0, rr: 0, cr: 0, c: 0, r: 0, n: 0, v: 0, cv: 0, rv: 0 };
  places.forEach(({ column, row }, i) => {
    const value = means[i] ?? Number.NaN;
    if (!((loudness[i] ?? 0) > 0.5) || !Number.isFinite(value)) return;
    system.n++;
    system.c += column;
    system.r += row;
    system.v += value;
    system.cc += column * column;
    system.rr += row * row;
    system.cr += column * row;
    system.cv += column * value;
    system.rv += row * value;
  });
  const { n } = system;
  const cc = system.cc - (system.c * system.c) / n;
  const rr = system.rr - (system.r * system.r) / n;
  const cr = system.cr - (system.c * system.r) / n;
  const cv = system.cv - (system.c * system.v) / n;
  const rv = system.rv - (system.r * system.v) / n;
  const determinant = cc * rr - cr * cr;
  if (!(determinant > 1e-6 * cc * rr)) return { x: 0, y: 0 };
  const scale = 1 / (determinant * (usual + 1e-6));
  return { x: (rr * cv - cr * rv) * scale, y: (cc * rv - cr * cv) * scale };
}

/** Returns the mean cell without a slope; `slope` is the change from one cell to the next. */
function tilted(mean: Float64Array, { columns, rows }: Cells, slope: Point): Float64Array {
  return mean.map(
    (value, i) =>
      value -
      slope.x * (((i % columns) + 0.5) / columns - 0.5) -
      slope.y * ((Math.floor(i / columns) + 0.5) / rows - 0.5),
  );
}

/** Whether gratings fill their cells. */
export function isFull(lattice: ChipLattice): boolean {
  return fillOf(lattice) > FULL;
}

/** Returns the share of a cell that the grating covers. */
function fillOf({ box, pitch }: ChipLattice): number {
  return (box.x * box.y) / (pitch.x * pitch.y);
}

/**
 * Returns the top-left corners of the box in the mean cell, µm from the cell's corner: where the box contains most light, and
 * gaps least.
 */
function boxCorners(mean: Float64Array, { columns, rows, step }: Cells, lattice: ChipLattice, most: number): Point[] {
  const width = Math.round(lattice.box.x / step.x);
  const height = Math.round(lattice.box.y / step.y);
  const shift = Math.round(lattice.stagger / step.x);
  // The light outside the box decides, because the sum of both is the same everywhere: this finds a gap's edges, not a band's
  // height.
  const light = (x: number, y: number): number => {
    const down = Math.floor(y / rows);
    const column = (((x - down * shift) % columns) + columns) % columns;
    return mean[(y - down * rows) * columns + column] ?? 0;
  };
  const extended = new Float64Array((columns + width + 1) * (rows + height + 1));
  const stride = columns + width + 1;
  for (let y = 0; y < rows + height; y++) {
    let sum = 0;
    for (let x = 0; x < columns + width; x++) {
      sum += light(x, y);
      extended[(y + 1) * stride + x + 1] = (extended[y * stride + x + 1] as number) + sum;
    }
  }
  const inBox = (x: number, y: number): number => {
    const [left, top] = [((x % columns) + columns) % columns, ((y % rows) + rows) % rows];
    const at = (a: number, b: number) => extended[b * stride + a] as number;
    return at(left + width, top + height) - at(left, top + height) - at(left + width, top) + at(left, top);
  };
  const found: { x: number; y: number; value: number }[] = [];
  while (found.length < most) {
    let best = { x: 0, y: 0, value: Number.NEGATIVE_INFINITY };
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        if (!found.every((one) => isApart((one.x - x) / columns) || isApart((one.y - y) / rows))) continue;
        const value = inBox(x, y);
        if (value > best.value) best = { x, y, value };
      }
    }
    if (!Number.isFinite(best.value)) break;
    found.push(best);
  }
  return found.map(({ x, y, value }) => {
    return {
      x: (x + vertex(inBox(x - 1, y), value, inBox(x + 1, y))) * step.x,
      y: (y + vertex(inBox(x, y - 1), value, inBox(x, y + 1))) * step.y,
    };
  });
}
