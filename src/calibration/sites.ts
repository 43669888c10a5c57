// The places of a lattice found in a picture: where its gratings' boxes lie within a cell, and at which places a
// grating is to be seen. Cells are sampled along the chip's axes; their mean shows the box, because gaps are dark in
// every cell while bands differ from grating to grating.
import { samplePatches } from "../analysis/correlate.ts";
import { type ChipLattice, cellOf, type LatticeFit, vertex } from "./lattice.ts";
import { direction, minus, type Point } from "./pose.ts";
import { withoutScratches } from "./scratches.ts";
import type { View } from "./view.ts";

/** One place of the lattice, wholly in view. */
export interface Site {
  readonly column: number;
  readonly row: number;
  /** How much it looks like a grating: from -1, surely none, to 1. */
  readonly evidence: number;
}

export interface Sites {
  readonly lattice: ChipLattice;
  readonly pxPerUm: number;
  readonly angleDegrees: number;
  /** Centre of the box of site (0, 0), px of the picture. */
  readonly origin: Point;
  readonly list: readonly Site[];
  /** Correlation with the mean grating that a few places exceed: there may be no more gratings in view. */
  readonly likeness: number;
}

/** Cells that may be louder than an ordinary grating: dirt. */
const LOUDEST = 5;
/** Gratings with their whole cells in view, when there are few. */
const FEWEST = 3;
/** Samples of a cell. */
const SAMPLES = 1600;
const MOST_CELLS = 600;
/** A patch's own deviation is taken as at least this share of the usual one, so that empty ones stay quiet. */
const QUIET = 0.5;
/** Correlation with the mean grating that speaks neither for nor against, and that which is clear. */
const LIKENESS = { even: 0.38, clear: 0.2 } as const;

/**
 * The places of a lattice in a picture, likeliest first: where gaps are wide, bands can be taken for boxes. None when fewer
 * than two cells are in view.
 */
export function* findSites(view: View, fit: LatticeFit): Generator<Sites> {
  const cells = new Cells(view, fit);
  const start = busiestPoint(view);
  for (const corner of cornersFrom(cells, fit.lattice, start)) {
    const sites = sitesAt(cells, fit, start, corner);
    if (sites !== undefined) yield sites;
  }
}

/**
 * Top-left corners of the box in a cell sampled about `start`, µm, likeliest first. Bands that are not in the middle of a
 * cell are a slope of light as well, and to level that moves the gap: cells are taken as they are first, but for the
 * slope that all of them together have.
 */
function cornersFrom(cells: Cells, lattice: ChipLattice, start: Point): Point[] {
  const full = fillOf(lattice) > FULL;
  const plain = cells.sample(start, false);
  if (plain.places.length < 2) return [];
  const mean = typical(plain);
  if (full) return boxCorners(mean, cells, lattice, 1);
  const sloping = boxCorners(tilted(mean, cells, commonSlope(plain)), cells, lattice, MOST_CORNERS / 2);
  const levelled = cells.sample(start, true);
  const level = typical(levelled);
  const kept = sloping;
  for (const corner of boxCorners(level, cells, lattice, MOST_CORNERS)) {
    if (kept.length < MOST_CORNERS && kept.every((one) => areApart(one, corner, lattice.pitch))) kept.push(corner);
  }
  return kept;
}

/** Mean of the cells that are alike among the loud ones: scratches and dirt are loud too, but none is like the other. */
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

/** Whether a distance in cells is none of nearly whole cells. */
function isApart(cells: number): boolean {
  const share = Math.abs(cells) % 1;
  return Math.min(share, 1 - share) > APART;
}

/** How much brighter a louder cell is than the one to its left and the one above, in deviations of a usual one. */
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

/** The mean cell without a slope; `slope` is that from one cell to the next. */
function tilted(mean: Float64Array, { columns, rows }: Cells, slope: Point): Float64Array {
  return mean.map(
    (value, i) =>
      value -
      slope.x * (((i % columns) + 0.5) / columns - 0.5) -
      slope.y * ((Math.floor(i / columns) + 0.5) / rows - 0.5),
  );
}

/** The sites whose boxes begin at `corner` (µm) of the cells sampled about `start`. */
function sitesAt(cells: Cells, fit: LatticeFit, start: Point, corner: Point): Sites | undefined {
  const { lattice, pxPerUm, angleDegrees } = fit;
  // Patches begin half a pitch before a site's centre; from here on that is the centre of a box.
  const middle = direction(
    { angleDegrees, mirrored: false },
    {
      x: corner.x + lattice.box.x / 2 - lattice.pitch.x / 2,
      y: corner.y + lattice.box.y / 2 - lattice.pitch.y / 2,
    },
  );
  const origin = { x: start.x + middle.x * pxPerUm, y: start.y + middle.y * pxPerUm };
  // Where gratings fill their cells none is empty, and a gap at a cell's side would be taken for a slope.
  const { places, patches, loudness } = cells.sample(origin, fillOf(lattice) <= FULL);
  if (places.length < 2) return undefined;
  let likeness = likenessTo(meanOf(patches, places.length, loudness), patches, places.length);
  for (let round = 0; round < 3; round++) {
    likeness = likenessTo(meanOf(patches, places.length, likeness), patches, places.length);
  }
  const list = places.map(({ column, row }, i) => {
    const evidence = ((likeness[i] ?? 0) - LIKENESS.even) / LIKENESS.clear;
    return { column, row, evidence: Math.max(-1, Math.min(1, evidence)) };
  });
  const ordinary = [...likeness].sort((a, b) => b - a)[Math.min(FEWEST - 1, list.length - 1)] ?? 0;
  return { lattice, pxPerUm, angleDegrees, origin, list, likeness: ordinary };
}

/** Where a site's centre lies in the picture. */
export function siteCentre(sites: Omit<Sites, "list" | "likeness">, column: number, row: number): Point {
  const { pitch, stagger } = sites.lattice;
  const at = direction(
    { angleDegrees: sites.angleDegrees, mirrored: false },
    { x: column * pitch.x + row * stagger, y: row * pitch.y },
  );
  return { x: sites.origin.x + at.x * sites.pxPerUm, y: sites.origin.y + at.y * sites.pxPerUm };
}

/** Middle of what varies in the picture. */
export function busiestPoint(view: View): Point {
  const { width: full, height: high } = view.picture;
  const small = view.part(Math.max(1, Math.ceil(Math.max(full, high) / 320)));
  const { values, width, height, factor } = withoutScratches(small);
  const change = new Float64Array(values.length);
  for (let i = width; i < values.length; i++) {
    const here = values[i] as number;
    change[i] = Math.abs(here - (values[i - 1] as number)) + Math.abs(here - (values[i - width] as number));
  }
  // Noise is everywhere: only what changes much more than most of the picture counts.
  const noise = 2 * (change.slice().sort()[values.length >> 1] as number);
  let [sum, x, y] = [0, 0, 0];
  for (let row = 1; row < height; row++) {
    for (let column = 1; column < width; column++) {
      const weight = Math.max(0, (change[row * width + column] as number) - noise);
      sum += weight;
      x += weight * column;
      y += weight * row;
    }
  }
  return sum > 0 ? { x: (x / sum) * factor, y: (y / sum) * factor } : { x: full / 2, y: high / 2 };
}

/** Sampled cells. */
interface Cellular {
  readonly places: readonly { readonly column: number; readonly row: number }[];
  /** One cell after the other, each with mean 0 and the deviation of a loud one 1. */
  readonly patches: Float32Array;
  /** A patch's own deviation, 1 for the loudest ones. */
  readonly loudness: Float64Array;
  readonly means: readonly number[];
  /** Deviation of a loud patch. */
  readonly usual: number;
}

/** Samples one cell after the other, each evened out by its own mean and deviation. */
class Cells {
  readonly columns: number;
  readonly rows: number;
  /** µm between samples. */
  readonly step: Point;
  private readonly view: View;
  private readonly fit: LatticeFit;

  constructor(view: View, fit: LatticeFit) {
    const { x, y } = fit.lattice.pitch;
    const step = Math.max(Math.sqrt((x * y) / SAMPLES), 0.8 / fit.pxPerUm);
    this.columns = Math.max(6, Math.round(x / step));
    this.rows = Math.max(6, Math.round(y / step));
    this.step = { x: x / this.columns, y: y / this.rows };
    this.view = view;
    this.fit = fit;
  }

  sample(origin: Point, levelled: boolean): Cellular {
    const { lattice, pxPerUm, angleDegrees } = this.fit;
    const { pitch } = lattice;
    const turn = (v: Point) => direction({ angleDegrees, mirrored: false }, v);
    const { width, height } = this.view.picture;
    const inside = ({ x, y }: Point) => x >= 0 && y >= 0 && x <= width && y <= height;
    const base = { lattice, pxPerUm, angleDegrees, origin };
    const places = sitesAround(base, width, height).filter(({ column, row }) => {
      const centre = siteCentre(base, column, row);
      return [-0.5, 0.5].every((a) =>
        [-0.5, 0.5].every((b) => {
          const v = turn({ x: a * pitch.x, y: b * pitch.y });
          return inside({ x: centre.x + v.x * pxPerUm, y: centre.y + v.y * pxPerUm });
        }),
      );
    });
    const kept = places.slice(0, MOST_CELLS);
    const [right, down] = [turn({ x: this.step.x * pxPerUm, y: 0 }), turn({ x: 0, y: this.step.y * pxPerUm })];
    const frames = new Float64Array(6 * kept.length);
    kept.forEach(({ column, row }, i) => {
      const centre = siteCentre(base, column, row);
      const x = centre.x - right.x * (this.columns / 2 - 0.5) - down.x * (this.rows / 2 - 0.5);
      const y = centre.y - right.y * (this.columns / 2 - 0.5) - down.y * (this.rows / 2 - 0.5);
      frames.set([x, y, right.x, right.y, down.x, down.y], 6 * i);
    });
    const plane = this.view.atMost(Math.min(this.step.x, this.step.y) * pxPerUm);
    const patches = samplePatches(plane, frames, this.columns, this.rows);
    if (levelled) level(patches, kept.length, this.columns, this.rows);
    return { places: kept, patches, ...evenOut(patches, kept.length) };
  }
}

/** All sites whose centre is in the picture. */
function sitesAround(
  base: Omit<Sites, "list" | "likeness">,
  width: number,
  height: number,
): { column: number; row: number }[] {
  const back = { angleDegrees: -base.angleDegrees, mirrored: false };
  const cells = [0, width].flatMap((x) =>
    [0, height].map((y) => {
      const away = direction(back, minus({ x, y }, base.origin));
      return cellOf(base.lattice, { x: away.x / base.pxPerUm, y: away.y / base.pxPerUm });
    }),
  );
  const found: { column: number; row: number; distance: number }[] = [];
  const rows = cells.map(({ row }) => row);
  const columns = cells.map(({ column }) => column);
  for (let row = Math.floor(Math.min(...rows)); row <= Math.max(...rows) + 1; row++) {
    for (let column = Math.floor(Math.min(...columns)) - 1; column <= Math.max(...columns) + 1; column++) {
      const { x, y } = siteCentre(base, column, row);
      if (x < 0 || y < 0 || x > width || y > height) continue;
      found.push({ column, row, distance: Math.hypot(x - base.origin.x, y - base.origin.y) });
    }
  }
  return found.sort((a, b) => a.distance - b.distance);
}

/** Takes off every patch the plane that fits it best: light that falls off is no grating, and alike in all empty cells. */
function level(patches: Float32Array, count: number, columns: number, rows: number): void {
  const [middleX, middleY] = [(columns - 1) / 2, (rows - 1) / 2];
  const [normX, normY] = [(rows * columns * (columns ** 2 - 1)) / 12, (columns * rows * (rows ** 2 - 1)) / 12];
  for (let i = 0; i < count; i++) {
    let [alongX, alongY] = [0, 0];
    for (let y = 0, k = i * columns * rows; y < rows; y++) {
      for (let x = 0; x < columns; x++, k++) {
        alongX += (x - middleX) * (patches[k] as number);
        alongY += (y - middleY) * (patches[k] as number);
      }
    }
    const [slopeX, slopeY] = [alongX / normX, alongY / normY];
    if (!Number.isFinite(slopeX + slopeY)) continue;
    for (let y = 0, k = i * columns * rows; y < rows; y++) {
      for (let x = 0; x < columns; x++, k++) {
        patches[k] = (patches[k] as number) - slopeX * (x - middleX) - slopeY * (y - middleY);
      }
    }
  }
}

/** Brings every patch to mean 0 and the deviation of a loud one to 1; returns what each had. */
function evenOut(patches: Float32Array, count: number): Pick<Cellular, "loudness" | "means" | "usual"> {
  const size = patches.length / count;
  const spreads: number[] = [];
  const moments = Array.from({ length: count }, (_, i) => {
    let [sum, square] = [0, 0];
    for (let k = i * size; k < (i + 1) * size; k++) {
      const value = patches[k] as number;
      sum += value;
      square += value * value;
    }
    const mean = sum / size;
    const spread = Math.sqrt(Math.max(0, square / size - mean * mean));
    spreads.push(spread);
    return { mean, spread };
  });
  // Few cells may hold a grating: an ordinary deviation is that of the loudest but some.
  const usual = spreads.filter(Number.isFinite).sort((a, b) => b - a)[Math.min(LOUDEST, Math.floor(count / 4))] ?? 0;
  moments.forEach(({ mean, spread }, i) => {
    const scale = 1 / (Math.max(spread, QUIET * usual) + 1e-6);
    // A patch at the very rim may miss a sample; what is missing is as bright as the patch is on average.
    for (let k = i * size; k < (i + 1) * size; k++) {
      const value = patches[k] as number;
      patches[k] =
        Number.isFinite(value) && Number.isFinite(mean) ? Math.max(-3, Math.min(3, (value - mean) * scale)) : 0;
    }
  });
  const loudness = Float64Array.from(spreads, (spread) =>
    Number.isFinite(spread) ? Math.min(1, spread / (usual + 1e-6)) : 0,
  );
  return { loudness, means: moments.map(({ mean }) => mean), usual };
}

/** Mean of the patches that look most like gratings: those at least half as likely as the likeliest. */
function meanOf(patches: Float32Array, count: number, likeness: Float64Array): Float64Array {
  const size = patches.length / count;
  const mean = new Float64Array(size);
  const best = Math.max(...likeness);
  let used = 0;
  for (let i = 0; i < count; i++) {
    if (!((likeness[i] ?? 0) > 0.5 * best)) continue;
    used++;
    for (let k = 0; k < size; k++) mean[k] = (mean[k] as number) + (patches[i * size + k] as number);
  }
  return mean.map((value) => value / Math.max(1, used));
}

/** Pearson's correlation of every patch with the mean one. */
function likenessTo(mean: Float64Array, patches: Float32Array, count: number): Float64Array {
  const size = mean.length;
  const middle = mean.reduce((sum, value) => sum + value, 0) / size;
  const energy = mean.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Float64Array.from({ length: count }, (_, i) => {
    let [sum, square, product] = [0, 0, 0];
    for (let k = 0; k < size; k++) {
      const value = patches[i * size + k] as number;
      sum += value;
      square += value * value;
      product += value * ((mean[k] as number) - middle);
    }
    const spread = energy * (square - (sum * sum) / size);
    // An empty place is quiet: its deviation was not stretched to that of a grating, so it counts for less.
    const loud = Math.min(1, square / size);
    return spread > 0 ? (product / Math.sqrt(spread)) * Math.sqrt(loud) : 0;
  });
}

/** Boxes that fill so much of their cell leave no doubt where they lie. */
const FULL = 0.85;
const MOST_CORNERS = 4;
/** Corners nearer than this share of the cell are the same. */
const APART = 0.15;

/** Share of a cell that the grating takes. */
function fillOf({ box, pitch }: ChipLattice): number {
  return (box.x * box.y) / (pitch.x * pitch.y);
}

/** Top-left corners of the box in the mean cell, µm from the cell's: where the box holds most light, and gaps least. */
function boxCorners(mean: Float64Array, { columns, rows, step }: Cells, lattice: ChipLattice, most: number): Point[] {
  const width = Math.round(lattice.box.x / step.x);
  const height = Math.round(lattice.box.y / step.y);
  const shift = Math.round(lattice.stagger / step.x);
  // The light outside the box decides, since the sum of both is the same everywhere: a gap's edges, not a band's height.
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
