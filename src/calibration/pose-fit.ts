// The fit of a pose to what was seen of the chip, and how far that leaves it open.
//
// Optics always bend a picture a little: a lens, pixels that are not quite square, a chip that is tilted. Rather than to decide
// whether a picture is bent, every fit to labels has these amounts as unknowns, each expected near 0 with the spread of
// ordinary optics. What the sightings do not tell keeps that spread, and the fit's covariance says what it means for a place.
import { bends, direction, idealPlace, type Lens, minus, type Point, type Pose, toPicture } from "./pose.ts";

/** Something of the chip seen in the picture: a point, or only its place along one of the chip's directions. */
export interface Sighting {
  readonly name: string;
  /** µm on the chip. */
  readonly chip: Point;
  /** px in the picture. */
  readonly picture: Point;
  /** Unit vector on the chip along which `picture` counts; both directions when absent. */
  readonly along?: Point;
  /** How much it counts, relative to others. */
  readonly weight: number;
}

export interface PoseFit {
  readonly pose: Pose;
  /** Distance of each sighting from where the pose puts it, px. */
  readonly residuals: readonly number[];
  /** Names of sightings that did not go along. */
  readonly outliers: readonly string[];
  /** Standard deviation, px, of where a chip point lies, from what the sightings leave and what they do not tell. */
  readonly openPx: (chip: Point) => number;
  /** How far one of these chip points moves at most, px, when any one sighting is left out: a mistaken one that decides. */
  readonly swayPx: (chips: readonly Point[]) => number;
}

/** Standard deviations of a lens's amounts among ordinary optics, as shares of half the picture's diagonal. */
const ORDINARY = [0.006, 0.0015, 0.0015, 0.002, 0.0015, 0.002, 0.002] as const;
/** So many of these deviations are no optics, but another chip. */
const BEYOND_OPTICS = 3.5;

/** A lens that does not bend, for a picture of this size: where it is given, a fit tells its amounts. */
export function noLens({ width, height }: { readonly width: number; readonly height: number }): Lens {
  const radiusPx = Math.hypot(width, height) / 2;
  return { middle: { x: width / 2, y: height / 2 }, radiusPx, amounts: ORDINARY.map(() => 0) };
}

/** The amounts of a lens as multiples of what is ordinary. */
function sharesOf({ radiusPx, amounts }: Lens): number[] {
  return amounts.map((amount, i) => amount / ((ORDINARY[i] ?? 0) * radiusPx));
}

/** Whether optics may bend like this. */
export function isOrdinary(lens: Lens): boolean {
  return sharesOf(lens).every((share) => Math.abs(share) <= BEYOND_OPTICS);
}

/** Bent by less than this share of what is ordinary, root mean square, the picture shows no bend. */
const STRAIGHT = 0.25;

/** Whether nothing that can be told of the optics bends the picture: then what cannot be told hardly will. */
export function isStraight({ lens }: Pose): boolean {
  if (lens === undefined) return true;
  const shares = sharesOf(lens);
  return Math.hypot(...shares) < STRAIGHT * Math.sqrt(shares.length);
}

const ROUNDS = 12;
/** Tukey's constant: 95 % as good as least squares on a normal distribution. */
const TUKEY = 4.685;
/** Residuals smaller than this, px, are taken for noise even when all the others are smaller still. */
const NOISE_PX = 0.15;
/** No fit is more certain than sightings of weight 1 with this standard deviation, px, would make it. */
const LEAST_NOISE_PX = 0.05;
/** Unknowns of a similarity. */
const SIMILARITY = 4;

/**
 * The pose that fits the sightings best, by iterated least squares with Tukey's weights, so that a mistaken one does not count:
 * a similarity, and the amounts of a lens where `start` has one. Keeps whether `start` is mirrored. undefined when the
 * sightings do not determine a similarity.
 */
export function fitPose(sightings: readonly Sighting[], start: Pose): PoseFit | undefined {
  let pose = start;
  let weights = sightings.map(({ weight }) => weight);
  let residuals: number[] = [];
  let noise = NOISE_PX;
  let normal: Float64Array[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    normal = normalEquations(sightings, weights, pose, noise);
    const solution = solve(normal);
    if (solution === undefined) return undefined;
    const before = pose;
    pose = posed(pose, solution);
    residuals = sightings.map((sighting) => distance(pose, sighting));
    const spread = Math.max(NOISE_PX, 1.4826 * middle(residuals));
    weights = sightings.map(({ weight }, i) => {
      const share = (residuals[i] ?? 0) / (TUKEY * spread);
      return share >= 1 ? 0 : weight * (1 - share * share) ** 2;
    });
    noise = noiseOf(sightings, residuals, weights);
    if (round > 2 && isSame(before, pose)) break;
  }
  const outliers = sightings.filter((_, i) => weights[i] === 0).map(({ name }) => name);
  const unscaled = inverse(normal);
  const openPx = (chip: Point) => {
    const [alongX, alongY] = derivatives(pose, chip);
    return noise * Math.sqrt(Math.max(0, product(unscaled, alongX, alongX) + product(unscaled, alongY, alongY)));
  };
  const swayPx = (chips: readonly Point[]) => sway(sightings, weights, pose, unscaled, chips);
  return { pose, residuals, outliers, openPx, swayPx };
}

/** Leaves out one sighting after the other, as the linear fit allows without solving anew. */
function sway(
  sightings: readonly Sighting[],
  weights: readonly number[],
  pose: Pose,
  unscaled: readonly (readonly number[])[],
  chips: readonly Point[],
): number {
  const places = chips.map((chip) => derivatives(pose, chip));
  let most = 0;
  sightings.forEach((sighting, i) => {
    const weight = weights[i] ?? 0;
    if (weight === 0) return;
    const { chip, picture, along } = sighting;
    const off = minus(picture, toPicture(pose, chip));
    const [alongX, alongY] = derivatives(pose, chip);
    const ways =
      along === undefined
        ? [
            { x: 1, y: 0 },
            { x: 0, y: 1 },
          ]
        : [direction(pose, along)];
    const moved = alongX.map(() => 0);
    for (const way of ways) {
      const row = alongX.map((value, k) => way.x * value + way.y * (alongY[k] ?? 0));
      const gain = unscaled.map((line) => dot(line, row));
      const left = Math.max(LEAST_LEFT, 1 - weight * dot(gain, row));
      const by = (weight * (way.x * off.x + way.y * off.y)) / left;
      gain.forEach((value, k) => {
        moved[k] = (moved[k] ?? 0) + by * value;
      });
    }
    for (const [x, y] of places) most = Math.max(most, Math.hypot(dot(moved, x), dot(moved, y)));
  });
  return most;
}

/** What the others tell of a sighting at least, as a share: less is the noise of solving. */
const LEAST_LEFT = 0.02;

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}

/** Whether two rounds give the same to a thousandth of a pixel over some thousand micrometres. */
function isSame(a: Pose, b: Pose): boolean {
  const off = [minus(a, b), minus(idealPlace(a, { x: 3000, y: 3000 }), idealPlace(b, { x: 3000, y: 3000 }))];
  const bent = Math.max(0, ...(a.lens?.amounts ?? []).map((amount, i) => Math.abs(amount - (b.lens?.amounts[i] ?? 0))));
  return bent < 1e-3 && off.every(({ x, y }) => Math.hypot(x, y) < 1e-3);
}

/**
 * Standard deviation of a sighting of weight 1 in one direction, px: of all, or of those that count in both directions, where that
 * is larger. These are few, and many edges that fit well say nothing about them.
 */
function noiseOf(sightings: readonly Sighting[], residuals: readonly number[], weights: readonly number[]): number {
  const of = (counts: (sighting: Sighting) => boolean, unknowns: number) => {
    let [sum, count] = [0, 0];
    sightings.forEach((sighting, i) => {
      const weight = weights[i] ?? 0;
      if (weight === 0 || !counts(sighting)) return;
      sum += weight * (residuals[i] ?? 0) ** 2;
      count += sighting.along === undefined ? 2 : 1;
    });
    return Math.sqrt(sum / Math.max(1, count - unknowns));
  };
  return Math.max(
    LEAST_NOISE_PX,
    of(() => true, SIMILARITY),
    of(({ along }) => along === undefined, SIMILARITY),
  );
}

function distance(pose: Pose, { chip, picture, along }: Sighting): number {
  const off = minus(picture, toPicture(pose, chip));
  if (along === undefined) return Math.hypot(off.x, off.y);
  const unit = direction(pose, along);
  return Math.abs(off.x * unit.x + off.y * unit.y);
}

/** How far a sighting lies from where the pose puts it, px along the chip's x and y. */
export function offsetOf(pose: Pose, { chip, picture }: Sighting): Point {
  const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
  const off = minus(picture, toPicture(pose, chip));
  return { x: off.x * right.x + off.y * right.y, y: off.x * down.x + off.y * down.y };
}

/** Derivatives of a chip point's x and y in the picture by the unknowns: x, y, s·cos and s·sin per mm, a lens's amounts. */
function derivatives(pose: Pose, chip: Point): [number[], number[]] {
  const { lens } = pose;
  const [u, v] = [chip.x / 1000, ((pose.mirrored ? -1 : 1) * chip.y) / 1000];
  const bent = lens === undefined ? [] : bends(lens, idealPlace(pose, chip));
  return [
    [1, 0, u, v, ...bent.map(({ x }) => x)],
    [0, 1, v, -u, ...bent.map(({ y }) => y)],
  ];
}

/** Weighted least squares: all unknowns enter linearly, a lens's amounts at the places of now. */
function normalEquations(
  sightings: readonly Sighting[],
  weights: readonly number[],
  pose: Pose,
  noisePx: number,
): Float64Array[] {
  const { lens } = pose;
  const unknowns = SIMILARITY + (lens?.amounts.length ?? 0);
  const system = Array.from({ length: unknowns }, () => new Float64Array(unknowns + 1));
  const add = (row: readonly number[], value: number, weight: number) => {
    for (let a = 0; a < unknowns; a++) {
      const line = system[a] as Float64Array;
      const factor = (row[a] ?? 0) * weight;
      for (let b = 0; b < unknowns; b++) line[b] = (line[b] ?? 0) + factor * (row[b] ?? 0);
      line[unknowns] = (line[unknowns] ?? 0) + factor * value;
    }
  };
  sightings.forEach(({ chip, picture, along }, i) => {
    const weight = weights[i] ?? 0;
    if (weight === 0) return;
    const [alongX, alongY] = derivatives(pose, chip);
    if (along === undefined) {
      add(alongX, picture.x, weight);
      add(alongY, picture.y, weight);
    } else {
      const n = direction(pose, along);
      const row = alongX.map((x, k) => n.x * x + n.y * (alongY[k] ?? 0));
      add(row, n.x * picture.x + n.y * picture.y, weight);
    }
  });
  for (let k = SIMILARITY; lens !== undefined && k < unknowns; k++) {
    const line = system[k] as Float64Array;
    const usual = (ORDINARY[k - SIMILARITY] ?? 0) * lens.radiusPx;
    line[k] = (line[k] ?? 0) + (noisePx / usual) ** 2;
  }
  return system;
}

function posed(pose: Pose, [x = 0, y = 0, a = 0, b = 0, ...amounts]: readonly number[]): Pose {
  const now = pose.lens === undefined ? {} : { lens: { ...pose.lens, amounts } };
  return { ...pose, ...now, x, y, pxPerUm: Math.hypot(a, b) / 1000, angleDegrees: (Math.atan2(b, a) * 180) / Math.PI };
}

/** The inverse of a system's left side, column by column. */
function inverse(system: readonly Float64Array[]): number[][] {
  const n = system.length;
  return system.map((_, k) => {
    const unit = system.map((line, i) => {
      const copy = line.slice();
      copy[n] = i === k ? 1 : 0;
      return copy;
    });
    return solve(unit) ?? system.map(() => Number.POSITIVE_INFINITY);
  });
}

/** aᵀ · matrix · b */
function product(matrix: readonly (readonly number[])[], a: readonly number[], b: readonly number[]): number {
  return matrix.reduce((sum, line, i) => sum + (a[i] ?? 0) * dot(line, b), 0);
}

/** Gauss's elimination with pivots; undefined when the system does not determine its unknowns. The system is kept. */
export function solve(system: readonly Float64Array[]): number[] | undefined {
  const lines: Float64Array[] = system.map((line) => line.slice());
  const n = lines.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(lines[row]?.[column] ?? 0) > Math.abs(lines[pivot]?.[column] ?? 0)) pivot = row;
    }
    const top = lines[pivot] as Float64Array;
    if (!(Math.abs(top[column] ?? 0) > 1e-9)) return undefined;
    [lines[column], lines[pivot]] = [top, lines[column] as Float64Array];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const line = lines[row] as Float64Array;
      const factor = (line[column] ?? 0) / (top[column] ?? 1);
      for (let k = column; k <= n; k++) line[k] = (line[k] ?? 0) - factor * (top[k] ?? 0);
    }
  }
  return lines.map((line, i) => (line[n] ?? 0) / (line[i] ?? 1));
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}
