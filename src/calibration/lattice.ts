// Finds the lattice of a chip's gratings in a picture without any other knowledge: the autocorrelation of the picture has peaks
// at the lattice's vectors, which give scale and angle up to the lattice's own symmetries.

import { flatten, type Plane } from "../analysis/correlate.ts";
import type { Chip } from "../chip/chip.ts";
import { Lags, SHORTEST_LAG } from "./lags.ts";
import { type Point, wrapDegrees } from "./pose.ts";

/** Gratings on a lattice: centres differ by column·(pitch.x, 0) + row·(stagger, pitch.y), µm. */
export interface ChipLattice {
  readonly chip: Chip;
  readonly pitch: Point;
  readonly stagger: number;
  /** Size of a grating. */
  readonly box: Point;
  /** Vectors between gratings, shortest first, one of every pair of opposite ones. */
  readonly vectors: readonly Point[];
}

/** A scale and an angle of a chip's lattice in the picture; half a turn and the mirror image look the same. */
export interface LatticeFit {
  readonly lattice: ChipLattice;
  readonly pxPerUm: number;
  readonly angleDegrees: number;
  /** Mean autocorrelation at the lattice's vectors minus that in between. */
  readonly score: number;
  /** Root mean square distance of peaks from the lattice, as a share of the pitch. */
  readonly misfit: number;
  /** Ratio of the scales along the chip's x and y, minus 1: not 0 for a chip with another pitch. */
  readonly stretch: number;
}

const MOST_VECTORS = 24;

const known = new WeakMap<Chip, ChipLattice | undefined>();

/** Returns the lattice of a chip's gratings; undefined for a chip whose gratings do not form one. */
export function latticeOf(chip: Chip): ChipLattice | undefined {
  // Cached, because comparing all gratings with each other takes longer than much of the search.
  if (!known.has(chip)) known.set(chip, findLattice(chip));
  return known.get(chip);
}

function findLattice(chip: Chip): ChipLattice | undefined {
  const [first] = chip.gratings;
  if (first === undefined || !chip.autoLocateGratings) return undefined;
  const { gratings } = chip;
  const counted = new Map<string, { vector: Point; count: number }>();
  for (const a of gratings) {
    for (const b of gratings) {
      const vector = { x: b.x - a.x, y: b.y - a.y };
      if (vector.y < 0 || (vector.y === 0 && vector.x <= 0)) continue;
      const name = `${vector.x} ${vector.y}`;
      const one = counted.get(name);
      counted.set(name, { vector, count: (one?.count ?? 0) + 1 });
    }
  }
  const all = [...counted.values()].map(({ vector }) => vector);
  const x = Math.min(...all.filter((vector) => vector.y === 0).map((vector) => vector.x));
  const y = Math.min(...all.filter((vector) => vector.y > 0).map((vector) => vector.y));
  if (!Number.isFinite(x) || !Number.isFinite(y)) return undefined;
  const step = all.find((vector) => vector.y === y);
  const stagger = (((step?.x ?? 0) % x) + x) % x;
  const lattice = { pitch: { x, y }, stagger };
  const whole = all.every((vector) => {
    const { column, row } = cellOf(lattice, vector);
    return Math.abs(column - Math.round(column)) < 0.02 && Math.abs(row - Math.round(row)) < 0.02;
  });
  if (!whole) return undefined;
  const vectors = all.sort((a, b) => Math.hypot(a.x, a.y) - Math.hypot(b.x, b.y)).slice(0, MOST_VECTORS);
  return { chip, ...lattice, box: { x: first.width, y: first.height }, vectors };
}

/** Returns column and row of a vector in the lattice; integers for a lattice vector. */
export function cellOf({ pitch, stagger }: Pick<ChipLattice, "pitch" | "stagger">, vector: Point) {
  const row = vector.y / pitch.y;
  return { row, column: (vector.x - row * stagger) / pitch.x };
}

const LIMITS = { least: 0.06, most: 2.4 } as const;
/** Maximum rotation of a chip from a quarter turn, degrees. */
const MOST_TURN = 12;
const SHORT_VECTORS = 5;
const FLATTEN_PX = 40;

/** Returns the possible scales and angles of the lattices in the plane, best first, a few for each chip. */
export function findLattices(plane: Plane, lattices: readonly ChipLattice[], mostPerChip = 3): LatticeFit[] {
  const flat = flatten(plane, FLATTEN_PX);
  const correlation = new Lags(flat);
  const fits: LatticeFit[] = [];
  for (const lattice of lattices) {
    const own: LatticeFit[] = [];
    for (const peak of correlation.peaks) {
      for (const vector of lattice.vectors.slice(0, SHORT_VECTORS)) {
        const start = turnBetween(vector, peak);
        if (!plausible(start.scale * plane.factor, start.angleDegrees)) continue;
        const fit = refine(correlation, lattice, start, plane.factor);
        if (fit !== undefined && plausible(fit.pxPerUm, fit.angleDegrees)) own.push(fit);
      }
    }
    own.sort((a, b) => b.score - a.score);
    fits.push(...distinct(own).slice(0, mostPerChip));
  }
  return fits.sort((a, b) => b.score - a.score);
}

function plausible(pxPerUm: number, angleDegrees: number): boolean {
  const off = Math.abs(angleDegrees - 90 * Math.round(angleDegrees / 90));
  return pxPerUm >= LIMITS.least && pxPerUm <= LIMITS.most && off <= MOST_TURN;
}

function distinct(fits: readonly LatticeFit[]): LatticeFit[] {
  const kept: LatticeFit[] = [];
  for (const fit of fits) {
    const again = kept.some((other) => {
      const turn = Math.abs(wrapDegrees(2 * (fit.angleDegrees - other.angleDegrees))) / 2;
      return turn < 1 && Math.abs(fit.pxPerUm / other.pxPerUm - 1) < 0.01;
    });
    if (!again) kept.push(fit);
  }
  return kept;
}

/** Returns the scale and angle (0 to 180 degrees, as in Pose) that map a chip vector to a lag. */
function turnBetween(vector: Point, lag: Point): { scale: number; angleDegrees: number } {
  const scale = Math.hypot(lag.x, lag.y) / Math.hypot(vector.x, vector.y);
  const degrees = ((Math.atan2(vector.y, vector.x) - Math.atan2(lag.y, lag.x)) * 180) / Math.PI;
  return { scale, angleDegrees: ((degrees % 180) + 180) % 180 };
}

/** Improves scale and angle with the peaks near all of the lattice's vectors, and scores them. */
function refine(
  lags: Lags,
  lattice: ChipLattice,
  start: { scale: number; angleDegrees: number },
  factor: number,
): LatticeFit | undefined {
  const radians = (start.angleDegrees * Math.PI) / 180;
  let [a, b] = [start.scale * Math.cos(radians), start.scale * Math.sin(radians)];
  const { pitch, stagger, vectors } = lattice;
  let score = 0;
  let misfit = Number.POSITIVE_INFINITY;
  let stretch = 0;
  for (let round = 0; round < 3; round++) {
    const reach = Math.hypot(a, b) * Math.min(pitch.x, pitch.y) * (round === 0 ? 0.15 : 0.08);
    let [aa, bb, norm, sum, count, off, found] = [0, 0, 0, 0, 0, 0, 0];
    const scales = new AxisScales(a, b);
    for (const v of vectors) {
      const at = { x: a * v.x + b * v.y, y: a * v.y - b * v.x };
      if (!lags.holds(at)) continue;
      count++;
      const peak = lags.peakNear(at, Math.max(1.5, reach));
      sum += lags.at(at);
      if (peak === undefined) continue;
      found++;
      scales.add(v, peak);
      off += (peak.x - at.x) ** 2 + (peak.y - at.y) ** 2;
      // (a, b) solve lag = a·(v.x, v.y) + b·(v.y, −v.x) in the least-squares sense.
      aa += v.x * peak.x + v.y * peak.y;
      bb += v.y * peak.x - v.x * peak.y;
      norm += v.x * v.x + v.y * v.y;
    }
    if (count < 3 || found < 3) return undefined;
    misfit = Math.sqrt(off / found) / (Math.hypot(a, b) * Math.min(pitch.x, pitch.y));
    let [between, places] = [0, 0];
    for (const [column, row] of BETWEEN) {
      const v = { x: column * pitch.x + row * stagger, y: row * pitch.y };
      const at = { x: a * v.x + b * v.y, y: a * v.y - b * v.x };
      if (!lags.holds(at) || Math.hypot(at.x, at.y) < SHORTEST_LAG) continue;
      between += lags.at(at);
      places++;
    }
    stretch = scales.stretch;
    score = sum / count - (places > 0 ? between / places : 0);
    if (round < 2) [a, b] = [aa / norm, bb / norm];
  }
  if (misfit > 0.05 || !(score > 0.02)) return undefined;
  const angleDegrees = (Math.atan2(b, a) * 180) / Math.PI;
  return { lattice, pxPerUm: Math.hypot(a, b) * factor, angleDegrees, score, misfit, stretch };
}

/** Fits separate scales along the chip's two directions, from its vectors and their peaks, by least squares. */
class AxisScales {
  private readonly a: number;
  private readonly b: number;
  private xx = 0;
  private yy = 0;
  private alongX = 0;
  private alongY = 0;

  /** `a`, `b`: scale times cosine and sine of the angle. */
  constructor(a: number, b: number) {
    const scale = Math.hypot(a, b);
    this.a = a / scale;
    this.b = b / scale;
  }

  add(vector: Point, lag: Point): void {
    this.xx += vector.x * vector.x;
    this.yy += vector.y * vector.y;
    this.alongX += vector.x * (this.a * lag.x - this.b * lag.y);
    this.alongY += vector.y * (this.b * lag.x + this.a * lag.y);
  }

  get stretch(): number {
    return this.xx > 0 && this.yy > 0 ? this.alongX / this.xx / (this.alongY / this.yy) - 1 : 0;
  }
}

/** Points between those of the lattice, where a lattice that is actually finer has peaks too. */
const BETWEEN: readonly (readonly [number, number])[] = [0, 0.25, 0.5, 0.75, 1].flatMap((row) =>
  [-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75]
    .filter((column) => column !== 0 || (row !== 0 && row !== 1))
    .filter((column) => row !== 1 || column > 0)
    .filter((column) => row !== 0 || column > 0)
    .map((column): readonly [number, number] => [column, row]),
);
