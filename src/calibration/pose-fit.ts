// Fits a pose to the sightings of the chip, and computes how uncertain it remains.
//
// Optics always distort a picture a little: a lens, pixels that are not quite square, a chip that is tilted. Instead of deciding
// whether a picture is distorted, every fit to labels has these amounts as unknowns, each expected near 0 with the spread of
// ordinary optics. Undetermined amounts keep that spread, and the fit's covariance gives its effect on a position.
import { dot, inverse, type Matrix, product, solve } from "../measurement/linear.ts";
import { type Deviations, deviationPriors, firstDeviations, NO_DEVIATIONS } from "./deviations.ts";
import { idealPlace, minus, type Point, type Pose } from "./pose.ts";
import {
  derivatives,
  distance,
  normalEquations,
  posed,
  type Row,
  redundancy,
  rowsOf,
  unknownsOf,
} from "./pose-equations.ts";
import type { Kind, Sighting } from "./sighting.ts";
import { leastNoise, noiseOf, spreadsOf } from "./sighting-noise.ts";

export interface PoseFit {
  readonly pose: Pose;
  /** The chip's common deviations from its drawing. */
  readonly deviations: Deviations;
  /** Distance of each sighting from its position in the fit, including the deviations, px. */
  readonly residuals: readonly number[];
  /** Names of sightings that did not fit. */
  readonly outliers: readonly string[];
  /**
   * Returns the standard deviation of a chip point's position, px, from the scatter of the sightings and what they leave
   * undetermined.
   */
  readonly openPx: (chip: Point) => number;
  /**
   * Returns the maximum movement of one of these chip points, px, if any one sighting is left out: the effect of a wrong
   * sighting that decides.
   */
  readonly swayPx: (chips: readonly Point[]) => number;
}

const ROUNDS = 12;
/** Tukey's constant: 95 % as good as least squares on a normal distribution. */
const TUKEY = 4.685;

/**
 * Returns the pose that fits the sightings best, by iterated least squares with Tukey's weights, so that wrong sightings do not
 * count: a similarity, plus the amounts of a lens if `start` has one. Each kind of sighting is weighted by its own residuals.
 * Keeps the mirroring of `start`. undefined if the sightings do not determine a similarity.
 */
export function fitPose(sightings: readonly Sighting[], start: Pose): PoseFit | undefined {
  let pose = start;
  let deviations = firstDeviations(start);
  const free = hasBoth(sightings);
  let trust = sightings.map(({ weight }) => weight);
  let noise = leastNoise(start);
  let rows: Row[] = [];
  let covariance: Matrix = [];
  let residuals: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rows = rowsOf(sightings, trust, noise, pose);
    const normal = normalEquations(rows, pose, deviationPriors(deviations, pose, free));
    const solution = solve(normal);
    if (solution === undefined) return undefined;
    covariance = inverse(normal);
    const before = pose;
    pose = posed(pose, solution);
    deviations = solution.slice(-NO_DEVIATIONS.length);
    residuals = sightings.map((sighting) => distance(pose, deviations, sighting));
    const spread = spreadsOf(sightings, residuals, pose);
    trust = sightings.map(({ weight, kind }, i) => {
      const share = (residuals[i] ?? 0) / (TUKEY * spread[kind]);
      return share >= 1 ? 0 : weight * (1 - share * share) ** 2;
    });
    noise = noiseOf(sightings, residuals, trust, rows, covariance, pose);
    if (round > 2 && isSame(before, pose)) break;
  }
  const outliers = sightings.filter((_, i) => trust[i] === 0).map(({ name }) => name);
  const openPx = (chip: Point) => {
    const [alongX, alongY] = derivatives(pose, chip);
    return Math.sqrt(Math.max(0, product(covariance, alongX, alongX) + product(covariance, alongY, alongY)));
  };
  const swayPx = (chips: readonly Point[]) =>
    sway(rowsOf(sightings, trust, noise, pose), covariance, pose, deviations, chips);
  return { pose, deviations, residuals, outliers, openPx, swayPx };
}

/** Whether both labels and gratings are seen, which then need not agree exactly. */
function hasBoth(sightings: readonly Sighting[]): boolean {
  const seen = (...kinds: Kind[]) => sightings.some(({ kind }) => kinds.includes(kind));
  return seen("label") && seen("edge", "side");
}

/** Leaves out each sighting in turn; the linear fit allows this without solving again. */
function sway(
  rows: readonly Row[],
  covariance: Matrix,
  pose: Pose,
  deviations: Deviations,
  chips: readonly Point[],
): number {
  const ofPose = unknownsOf(pose);
  const now = [...ofPose, ...deviations];
  // One point after the other, the derivatives of x and of y: there are many points and many sightings.
  const places = Float64Array.from(chips.flatMap((chip) => derivatives(pose, chip).flat()));
  const moved = new Map<number, number[]>();
  for (const row of rows) {
    const gain = covariance.map((line) => dot(line, row.values));
    const off = row.place - dot(row.values, now);
    const by = (row.weight * off) / Math.max(LEAST_LEFT, redundancy(row, covariance));
    const sum = moved.get(row.of) ?? gain.map(() => 0);
    moved.set(
      row.of,
      sum.map((value, k) => value + by * (gain[k] ?? 0)),
    );
  }
  let most = 0;
  const unknowns = ofPose.length;
  for (const by of moved.values()) {
    for (let at = 0; at < places.length; at += 2 * unknowns) {
      let [x, y] = [0, 0];
      for (let k = 0; k < unknowns; k++) {
        const step = by[k] as number;
        x += step * (places[at + k] as number);
        y += step * (places[at + unknowns + k] as number);
      }
      most = Math.max(most, x * x + y * y);
    }
  }
  return Math.sqrt(most);
}

/** Minimum share of a sighting that the others determine: less is rounding error of the solver. */
const LEAST_LEFT = 0.02;

/** Whether two rounds agree to a thousandth of a pixel over several thousand micrometres. */
function isSame(a: Pose, b: Pose): boolean {
  const off = [minus(a, b), minus(idealPlace(a, { x: 3000, y: 3000 }), idealPlace(b, { x: 3000, y: 3000 }))];
  const bent = Math.max(0, ...(a.lens?.amounts ?? []).map((amount, i) => Math.abs(amount - (b.lens?.amounts[i] ?? 0))));
  return bent < 1e-3 && off.every(({ x, y }) => Math.hypot(x, y) < 1e-3);
}
