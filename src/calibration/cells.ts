// Samples the cells of a lattice in a picture along the chip's axes, normalises them, and finds what they have in common.
import { type Plane, samplePatches } from "../analysis/correlate.ts";
import { solve } from "../measurement/linear.ts";
import { type ChipLattice, cellOf, type LatticeFit } from "./lattice.ts";
import { direction, minus, type Point } from "./pose.ts";
import { withoutScratches } from "./scratches.ts";
import type { View } from "./view.ts";

/** The position of a lattice's sites in a picture. */
export interface Places {
  readonly lattice: ChipLattice;
  readonly pxPerUm: number;
  readonly angleDegrees: number;
  /** Centre of the box of site (0, 0), px of the picture. */
  readonly origin: Point;
}

/** Number of cells that may be louder than an ordinary grating, because of dirt. */
const LOUDEST = 5;
/** Number of samples in a cell. */
const SAMPLES = 1600;
const MOST_CELLS = 600;
/** Maximum size of a plane from which scratches are removed, pixels. */
const MOST_CLEANED = 800_000;
/** Lower limit of a patch's own deviation as a share of the usual one, so that empty patches stay quiet. */
const QUIET = 0.5;

/** Returns the position of a site's centre in the picture. */
export function siteCentre(sites: Places, column: number, row: number): Point {
  const { pitch, stagger } = sites.lattice;
  const at = direction(
    { angleDegrees: sites.angleDegrees, mirrored: false },
    { x: column * pitch.x + row * stagger, y: row * pitch.y },
  );
  return { x: sites.origin.x + at.x * sites.pxPerUm, y: sites.origin.y + at.y * sites.pxPerUm };
}

/** Sampled cells. */
export interface Cellular {
  readonly places: readonly { readonly column: number; readonly row: number }[];
  /** The cells one after the other, each with mean 0, scaled so that a loud one has a standard deviation of 1. */
  readonly patches: Float32Array;
  /** Standard deviation of each patch, 1 for the loudest ones. */
  readonly loudness: Float64Array;
  readonly means: readonly number[];
  /** Deviation of a loud patch. */
  readonly usual: number;
}

/**
 * Which slope of light is removed from cells: none, each cell's own, or that of a smooth surface through the means of all
 * cells.
 */
export type Levelled = "none" | "each" | "smooth";

/** Minimum number of cells for a smooth surface. */
const FEWEST_SMOOTH = 24;

/** Samples the cells, each normalised by its own mean and deviation. */
export class Cells {
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

  sample(origin: Point, levelled: Levelled): Cellular {
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
      const at = 6 * i;
      frames[at] = centre.x - right.x * (this.columns / 2 - 0.5) - down.x * (this.rows / 2 - 0.5);
      frames[at + 1] = centre.y - right.y * (this.columns / 2 - 0.5) - down.y * (this.rows / 2 - 0.5);
      frames[at + 2] = right.x;
      frames[at + 3] = right.y;
      frames[at + 4] = down.x;
      frames[at + 5] = down.y;
    });
    const plane = cleaned(this.view.atMost(Math.min(this.step.x, this.step.y) * pxPerUm));
    const patches = samplePatches(plane, frames, this.columns, this.rows);
    if (levelled === "each") level(patches, kept.length, this.columns, this.rows);
    else if (levelled === "smooth") levelSmoothly(patches, kept, this.columns, this.rows);
    return { places: kept, patches, ...evenOut(patches, kept.length) };
  }
}

const known = new WeakMap<Plane, Plane>();

/** Returns the plane without scratches, if it is small enough to do this quickly. */
function cleaned(plane: Plane): Plane {
  if (plane.values.length > MOST_CLEANED) return plane;
  let clean = known.get(plane);
  if (clean === undefined) {
    clean = withoutScratches(plane);
    known.set(plane, clean);
  }
  return clean;
}

/** Returns all sites whose centre is in the picture. */
function sitesAround(base: Places, width: number, height: number): { column: number; row: number }[] {
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

/**
 * Subtracts the best-fitting plane from every patch: a falloff of light is not a grating, and looks the same in all empty
 * cells.
 */
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

/** Subtracts the slope of the parabolic surface through the cells' means from every patch, in place. */
function levelSmoothly(patches: Float32Array, places: Cellular["places"], columns: number, rows: number): void {
  if (places.length < FEWEST_SMOOTH) return;
  const size = columns * rows;
  const system = Array.from({ length: 6 }, () => new Float64Array(7));
  places.forEach(({ column, row }, i) => {
    let sum = 0;
    for (let k = i * size; k < (i + 1) * size; k++) sum += patches[k] as number;
    if (!Number.isFinite(sum)) return;
    const [x, y] = [column / SMOOTH_CELLS, row / SMOOTH_CELLS];
    const terms = [1, x, y, x * x, x * y, y * y, sum / size];
    system.forEach((line, a) => {
      for (let b = 0; b < 7; b++) line[b] = (line[b] as number) + (terms[a] as number) * (terms[b] as number);
    });
  });
  const [, alongX = 0, alongY = 0, xx = 0, xy = 0, yy = 0] = solve(system) ?? [];
  places.forEach(({ column, row }, i) => {
    const [x, y] = [column / SMOOTH_CELLS, row / SMOOTH_CELLS];
    const slopeX = (alongX + 2 * xx * x + xy * y) / SMOOTH_CELLS / columns;
    const slopeY = (alongY + xy * x + 2 * yy * y) / SMOOTH_CELLS / rows;
    for (let b = 0, k = i * size; b < rows; b++) {
      for (let a = 0; a < columns; a++, k++) {
        patches[k] = (patches[k] as number) - slopeX * (a - (columns - 1) / 2) - slopeY * (b - (rows - 1) / 2);
      }
    }
  });
}

/** Cells per unit of the surface, so that it is well conditioned. */
const SMOOTH_CELLS = 10;

/** Scales every patch to mean 0, and so that a loud patch has a standard deviation of 1; returns the original values. */
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
  // Few cells may contain a grating, so the ordinary deviation is taken from the loudest cells, except the first few.
  const usual = spreads.filter(Number.isFinite).sort((a, b) => b - a)[Math.min(LOUDEST, Math.floor(count / 4))] ?? 0;
  moments.forEach(({ mean, spread }, i) => {
    const scale = 1 / (Math.max(spread, QUIET * usual) + 1e-6);
    // A patch at the rim may lack samples; they are replaced by the mean of the patch.
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

/** Returns the mean of the patches that look most like gratings: those at least half as likely as the most likely one. */
export function meanOf(patches: Float32Array, count: number, likeness: Float64Array): Float64Array {
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

/** Returns Pearson's correlation of every patch with the mean patch. */
export function likenessTo(mean: Float64Array, patches: Float32Array, count: number): Float64Array {
  const size = mean.length;
  const middle = mean.reduce((sum, value) => sum + value, 0) / size;
  const energy = mean.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const centred = Float32Array.from(mean, (value) => value - middle);
  const squares = squaresOf(patches, count);
  const likeness = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let product = 0;
    for (let k = 0, at = i * size; k < size; k++, at++) product += (patches[at] as number) * (centred[k] as number);
    const square = squares[i] as number;
    const spread = energy * square;
    // An empty site is quiet: its deviation was not scaled up to that of a grating, so it counts for less.
    const loud = Math.min(1, square / size);
    likeness[i] = spread > 0 ? (product / Math.sqrt(spread)) * Math.sqrt(loud) : 0;
  }
  return likeness;
}

const knownSquares = new WeakMap<Float32Array, Float64Array>();

/** Returns the sum of squares of every patch around its mean, because the same patches are compared several times. */
function squaresOf(patches: Float32Array, count: number): Float64Array {
  const known = knownSquares.get(patches);
  if (known !== undefined) return known;
  const size = patches.length / count;
  const squares = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let [sum, square] = [0, 0];
    for (let k = i * size; k < (i + 1) * size; k++) {
      const value = patches[k] as number;
      sum += value;
      square += value * value;
    }
    squares[i] = square - (sum * sum) / size;
  }
  knownSquares.set(patches, squares);
  return squares;
}
