// Finds the sites of a lattice in a picture: where the boxes of its gratings are, and which sites show a grating.
import { upperMedian } from "../measurement/statistics.ts";
import { cornersFrom, isFull } from "./box.ts";
import { Cells, likenessTo, meanOf, type Places } from "./cells.ts";
import type { LatticeFit } from "./lattice.ts";
import { direction, type Point } from "./pose.ts";
import { withoutScratches } from "./scratches.ts";
import type { View } from "./view.ts";

/** One site of the lattice, completely in view. */
interface Site {
  readonly column: number;
  readonly row: number;
  /** How much it looks like a grating: from -1, certainly none, to 1. */
  readonly evidence: number;
}

export interface Sites extends Places {
  readonly list: readonly Site[];
  /** Correlation with the mean grating that a few sites exceed: there may be no more gratings in view. */
  readonly likeness: number;
}

/** Minimum number of gratings with their whole cells in view; two if there are at most three sites. */
const FEWEST = 3;
const FEW_PLACES = 3;
/** Correlation with the mean grating that is neutral, and the distance from it that is clear. */
const LIKENESS = { even: 0.38, clear: 0.2 } as const;

/**
 * Yields the possible sites of a lattice in a picture, most likely first: if gaps are wide, bands can be mistaken for boxes.
 * Nothing if fewer than two cells are in view.
 */
export function* findSites(view: View, fit: LatticeFit): Generator<Sites> {
  const cells = new Cells(view, fit);
  const start = busiestPoint(view);
  for (const corner of cornersFrom(cells, fit.lattice, start)) {
    const sites = sitesAt(cells, fit, start, corner);
    if (sites !== undefined) yield sites;
  }
}

/** Returns the sites whose boxes begin at `corner` (µm) of the cells sampled around `start`. */
function sitesAt(cells: Cells, fit: LatticeFit, start: Point, corner: Point): Sites | undefined {
  const { lattice, pxPerUm, angleDegrees } = fit;
  // Patches begin half a pitch before a site's centre, which from here on is the centre of a box.
  const middle = direction(
    { angleDegrees, mirrored: false },
    {
      x: corner.x + lattice.box.x / 2 - lattice.pitch.x / 2,
      y: corner.y + lattice.box.y / 2 - lattice.pitch.y / 2,
    },
  );
  const origin = { x: start.x + middle.x * pxPerUm, y: start.y + middle.y * pxPerUm };
  // If gratings fill their cells, a gap at a cell's side would be mistaken for a slope.
  const { places, patches, loudness } = cells.sample(origin, isFull(lattice) ? "smooth" : "each");
  if (places.length < 2) return undefined;
  let likeness = likenessTo(meanOf(patches, places.length, loudness), patches, places.length);
  for (let round = 0; round < 3; round++) {
    likeness = likenessTo(meanOf(patches, places.length, likeness), patches, places.length);
  }
  const list = places.map(({ column, row }, i) => {
    const evidence = ((likeness[i] ?? 0) - LIKENESS.even) / LIKENESS.clear;
    return { column, row, evidence: Math.max(-1, Math.min(1, evidence)) };
  });
  const fewest = list.length > FEW_PLACES ? FEWEST : 2;
  const ordinary = [...likeness].sort((a, b) => b - a)[fewest - 1] ?? 0;
  return { lattice, pxPerUm, angleDegrees, origin, list, likeness: ordinary };
}

/** Change is limited to this multiple of the noise: dust and scratches change most, but a chip changes everywhere. */
const LOUD = 3;
/** Side of the part of the picture with most variation, as a share of the picture's shorter side. */
const BUSY_PART = 0.4;

/** Returns the centre of the part of the picture, `side` px wide and high, with most variation. */
export function busiestPoint(view: View, side?: number): Point {
  const { width: full, height: high } = view.picture;
  const small = view.part(Math.max(1, Math.ceil(Math.max(full, high) / 320)));
  const { values, width, height, factor } = withoutScratches(small);
  const change = new Float64Array(values.length);
  for (let i = width; i < values.length; i++) {
    const here = values[i] as number;
    change[i] = Math.abs(here - (values[i - 1] as number)) + Math.abs(here - (values[i - width] as number));
  }
  // Only changes far above those of most of the picture count, because noise is everywhere.
  const noise = 2 * (upperMedian(change) as number);
  const part = Math.max(8, Math.round((side ?? BUSY_PART * Math.min(full, high)) / factor));
  const [columns, rows] = [Math.min(width, part), Math.min(height, part)];
  const sums = new Sums(width, height, (x, y) =>
    x === 0 || y === 0 ? 0 : Math.max(0, Math.min((change[y * width + x] as number) - noise, LOUD * noise)),
  );
  const step = Math.max(1, Math.floor(part / 16));
  let best = { left: 0, top: 0, sum: -1 };
  for (let top = 0; top <= height - rows; top += step) {
    for (let left = 0; left <= width - columns; left += step) {
      const sum = sums.within(left, top, columns, rows);
      if (sum > best.sum) best = { left, top, sum };
    }
  }
  if (!(best.sum > 0)) return { x: full / 2, y: high / 2 };
  const middle = sums.middle(best.left, best.top, columns, rows);
  return { x: middle.x * factor, y: middle.y * factor };
}

/** Computes sums of values over boxes of a raster. */
class Sums {
  private readonly stride: number;
  private readonly sums: Float64Array;

  constructor(width: number, height: number, value: (x: number, y: number) => number) {
    this.stride = width + 1;
    this.sums = new Float64Array(this.stride * (height + 1));
    for (let y = 0; y < height; y++) {
      let row = 0;
      for (let x = 0; x < width; x++) {
        row += value(x, y);
        this.sums[(y + 1) * this.stride + x + 1] = (this.sums[y * this.stride + x + 1] as number) + row;
      }
    }
  }

  within(left: number, top: number, columns: number, rows: number): number {
    const at = (x: number, y: number) => this.sums[y * this.stride + x] as number;
    const [right, bottom] = [left + columns, top + rows];
    return at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top);
  }

  /** Returns the values' centre of gravity within a box. */
  middle(left: number, top: number, columns: number, rows: number): Point {
    const total = this.within(left, top, columns, rows);
    let [x, y] = [0, 0];
    for (let column = left; column < left + columns; column++) x += column * this.within(column, top, 1, rows);
    for (let row = top; row < top + rows; row++) y += row * this.within(left, row, columns, 1);
    return { x: x / total, y: y / total };
  }
}
