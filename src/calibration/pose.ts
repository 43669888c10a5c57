// How a chip lies in a picture, and the fit of that to measured points.
//
//   picture = lens((x, y) + pxPerUm · Rot(angle) · F · chip),   Rot(a) = (cos a, sin a; −sin a, cos a),   F = (1, 0; 0, ±1)
//
// Pixel i of a row reaches from i to i + 1. `mirrored` (F = −1) is a picture taken without the established cameras' flip.
// "Aligned" px are those after rotation by −angle about (width // 2, height // 2), in which ROIs are given.
import type { ChipBox } from "../chip/layout.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Pose {
  /** Rotation of the chip in the picture, in the sense of `image_angle`; -180 to 180. */
  readonly angleDegrees: number;
  readonly pxPerUm: number;
  readonly mirrored: boolean;
  /** Place of the chip's origin in the picture, px. */
  readonly x: number;
  readonly y: number;
  /** How the lens bends the picture, where that is to be seen. */
  readonly lens?: Lens;
}

/**
 * Third-order distortion about a centre that need not be the picture's: with d the place from the picture's middle in
 * units of `radiusPx`, a place moves by radial·|d|²·d − 2 (d·shift) d − |d|²·shift, px. Where `askew` is known, also by
 * aspect·(d.x, −d.y)/2 + shear·(d.y, d.x)/2 + (tilt·d) d: pixels that are not square and a chip that is tilted.
 */
export interface Lens {
  readonly middle: Point;
  readonly radiusPx: number;
  readonly radial: number;
  readonly shift: Point;
  readonly askew?: { readonly aspect: number; readonly shear: number; readonly tilt: Point };
}

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
  /** Robust standard deviation of the residuals, px. */
  readonly spreadPx: number;
}

/** The picture point of a chip point. */
export function toPicture(pose: Pose, chip: Point): Point {
  const ideal = idealPlace(pose, chip);
  const { lens } = pose;
  if (lens === undefined) return ideal;
  const by = amounts(lens);
  return bends(lens, ideal).reduce(
    (at, bend, i) => ({ x: at.x + (by[i] ?? 0) * bend.x, y: at.y + (by[i] ?? 0) * bend.y }),
    ideal,
  );
}

/** A lens's amounts in the order of `bends`. */
function amounts({ radial, shift, askew }: Lens): number[] {
  const own = [radial, shift.x, shift.y];
  return askew === undefined ? own : [...own, askew.aspect, askew.shear, askew.tilt.x, askew.tilt.y];
}

/** A lens with other amounts. */
function withAmounts(lens: Lens, amounts: readonly number[]): Lens {
  const [radial = 0, x = 0, y = 0, aspect = 0, shear = 0, tiltX = 0, tiltY = 0] = amounts;
  const bent = { ...lens, radial, shift: { x, y } };
  return lens.askew === undefined ? bent : { ...bent, askew: { aspect, shear, tilt: { x: tiltX, y: tiltY } } };
}

function idealPlace(pose: Pose, chip: Point): Point {
  const { x, y } = direction(pose, chip);
  return { x: pose.x + pose.pxPerUm * x, y: pose.y + pose.pxPerUm * y };
}

/** How a place moves for one px of each of the lens's amounts. */
function bends({ middle, radiusPx, askew }: Lens, ideal: Point): Point[] {
  const [x, y] = [(ideal.x - middle.x) / radiusPx, (ideal.y - middle.y) / radiusPx];
  const square = x * x + y * y;
  const own = [
    { x: square * x, y: square * y },
    { x: -2 * x * x - square, y: -2 * x * y },
    { x: -2 * x * y, y: -2 * y * y - square },
  ];
  if (askew === undefined) return own;
  return [...own, { x: x / 2, y: -y / 2 }, { x: y / 2, y: x / 2 }, { x: x * x, y: x * y }, { x: x * y, y: y * y }];
}

/** By how much the lens enlarges a part of the picture, on average over directions; 1 without one. */
function enlargement({ lens, ...pose }: Pose, chip: Point): number {
  if (lens === undefined) return 1;
  const { x, y } = minus(idealPlace(pose, chip), lens.middle);
  const [dx, dy] = [x / lens.radiusPx, y / lens.radiusPx];
  const tilt = lens.askew?.tilt ?? { x: 0, y: 0 };
  const bent = 2 * lens.radial * (dx * dx + dy * dy) - 4 * (dx * lens.shift.x + dy * lens.shift.y);
  return 1 + (bent + 1.5 * (dx * tilt.x + dy * tilt.y)) / lens.radiusPx;
}

/** A vector on the chip turned (and mirrored) as the picture shows it, not scaled. */
export function direction(pose: Pick<Pose, "angleDegrees" | "mirrored">, chip: Point): Point {
  const radians = (pose.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const y = pose.mirrored ? -chip.y : chip.y;
  return { x: cos * chip.x + sin * y, y: cos * y - sin * chip.x };
}

/** Aligned px of a chip box, for a picture of this size. */
export function toAligned(
  pose: Pose,
  size: { readonly width: number; readonly height: number },
  box: ChipBox,
): ChipBox {
  const centre = rotationCentre(size);
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const shown = minus(toPicture(pose, middle), centre);
  const aligned = direction({ angleDegrees: -pose.angleDegrees, mirrored: false }, shown);
  const scale = pose.pxPerUm * enlargement(pose, middle);
  const [width, height] = [box.width * scale, box.height * scale];
  return { x: aligned.x + centre.x - width / 2, y: aligned.y + centre.y - height / 2, width, height };
}

/** The picture point that rotation by `angleDegrees` takes to an aligned point. */
export function fromAligned(
  angleDegrees: number,
  size: { readonly width: number; readonly height: number },
  aligned: Point,
): Point {
  const centre = rotationCentre(size);
  const turned = direction({ angleDegrees, mirrored: false }, minus(aligned, centre));
  return { x: turned.x + centre.x, y: turned.y + centre.y };
}

/** Centre of the rotation: that of pixel (width // 2, height // 2). */
function rotationCentre({ width, height }: { readonly width: number; readonly height: number }): Point {
  return { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
}

export function minus(a: Point, b: Point): Point {
  return { x: a.x - b.x, y: a.y - b.y };
}

/** The same direction within -180 (excluded) to 180 degrees. */
export function wrapDegrees(degrees: number): number {
  const wrapped = ((degrees % 360) + 360) % 360;
  return wrapped > 180 ? wrapped - 360 : wrapped;
}

/** Weight, relative to a label's, with which a lens's amounts are expected to be 0: (0.1 px / 3 px)². */
const NO_LENS = 0.001;
const ROUNDS = 12;
/** Tukey's constant: 95 % as good as least squares on a normal distribution. */
const TUKEY = 4.685;
/** Residuals smaller than this, px, are taken for noise even when all the others are smaller still. */
const NOISE_PX = 0.15;

/**
 * The similarity that fits the sightings best, by iterated least squares with Tukey's weights, so that a mistaken one
 * does not count. Starts from `start`, whose `mirrored` it keeps. undefined when they do not determine a similarity.
 */
export function fitPose(sightings: readonly Sighting[], start: Pose): PoseFit | undefined {
  let pose = start;
  let weights = sightings.map(({ weight }) => weight);
  let residuals: number[] = [];
  let spread = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const solved = leastSquares(sightings, weights, pose);
    if (solved === undefined) return undefined;
    pose = solved;
    residuals = sightings.map((sighting) => distance(pose, sighting));
    spread = Math.max(NOISE_PX, 1.4826 * middle(residuals));
    weights = sightings.map(({ weight }, i) => {
      const share = (residuals[i] ?? 0) / (TUKEY * spread);
      return share >= 1 ? 0 : weight * (1 - share * share) ** 2;
    });
  }
  const outliers = sightings.filter((_, i) => weights[i] === 0).map(({ name }) => name);
  return { pose, residuals, outliers, spreadPx: 1.4826 * middle(residuals) };
}

function distance(pose: Pose, { chip, picture, along }: Sighting): number {
  const off = minus(picture, toPicture(pose, chip));
  if (along === undefined) return Math.hypot(off.x, off.y);
  const unit = direction(pose, along);
  return Math.abs(off.x * unit.x + off.y * unit.y);
}

/** One step of weighted least squares: x, y, s·cos, s·sin enter linearly, a lens (taken at the places of now) as well. */
function leastSquares(sightings: readonly Sighting[], weights: readonly number[], pose: Pose): Pose | undefined {
  const { lens } = pose;
  const unknowns = 4 + (lens === undefined ? 0 : amounts(lens).length);
  const system = Array.from({ length: unknowns }, () => new Float64Array(unknowns + 1));
  const f = pose.mirrored ? -1 : 1;
  const add = (row: readonly number[], value: number, weight: number) => {
    for (let a = 0; a < unknowns; a++) {
      const line = system[a] as Float64Array;
      const factor = (row[a] ?? 0) * weight;
      for (let b = 0; b < unknowns; b++) line[b] = (line[b] ?? 0) + factor * (row[b] ?? 0);
      line[unknowns] = (line[unknowns] ?? 0) + factor * value;
    }
  };
  // Thousands of micrometres against one pixel: in millimetres the system is well conditioned.
  sightings.forEach(({ chip, picture, along }, i) => {
    const weight = weights[i] ?? 0;
    const [u, v] = [chip.x / 1000, (f * chip.y) / 1000];
    const bent = lens === undefined ? [] : bends(lens, idealPlace(pose, chip));
    if (along === undefined) {
      add([1, 0, u, v, ...bent.map(({ x }) => x)], picture.x, weight);
      add([0, 1, v, -u, ...bent.map(({ y }) => y)], picture.y, weight);
    } else {
      const n = direction(pose, along);
      const row = [n.x, n.y, n.x * u + n.y * v, n.x * v - n.y * u, ...bent.map(({ x, y }) => n.x * x + n.y * y)];
      add(row, n.x * picture.x + n.y * picture.y, weight);
    }
  });
  // What the sightings do not tell of a lens is taken for none.
  for (let k = 4; k < unknowns; k++) {
    const line = system[k] as Float64Array;
    line[k] = (line[k] ?? 0) + NO_LENS;
  }
  const solution = solve(system);
  if (solution === undefined) return undefined;
  const [x = 0, y = 0, a = 0, b = 0, ...bent] = solution;
  const now = lens === undefined ? {} : { lens: withAmounts(lens, bent) };
  return { ...pose, ...now, x, y, pxPerUm: Math.hypot(a, b) / 1000, angleDegrees: (Math.atan2(b, a) * 180) / Math.PI };
}

/** Gauss's elimination with pivots; undefined when the system does not determine its unknowns. */
export function solve(system: Float64Array[]): number[] | undefined {
  const n = system.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(system[row]?.[column] ?? 0) > Math.abs(system[pivot]?.[column] ?? 0)) pivot = row;
    }
    const top = system[pivot] as Float64Array;
    if (!(Math.abs(top[column] ?? 0) > 1e-9)) return undefined;
    [system[column], system[pivot]] = [top, system[column] as Float64Array];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const line = system[row] as Float64Array;
      const factor = (line[column] ?? 0) / (top[column] ?? 1);
      for (let k = column; k <= n; k++) line[k] = (line[k] ?? 0) - factor * (top[k] ?? 0);
    }
  }
  return system.map((line, i) => (line[n] ?? 0) / (line[i] ?? 1));
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}
