// The linear equations of a pose fit: the rows that each sighting contributes, and the pose for a solution.
import { dot, type Matrix, product } from "../measurement/linear.ts";
import { type Deviations, termsOfEdge, termsOfLabel } from "./deviations.ts";
import { ORDINARY } from "./optics.ts";
import { bends, direction, idealPlace, minus, type Point, type Pose, toPicture } from "./pose.ts";
import type { Noise, Sighting } from "./sighting.ts";

/** Number of unknowns of a similarity. */
const SIMILARITY = 4;

/** The equation of a sighting in one direction: `values` · unknowns = `place`, px, with `weight` = 1/px². */
export interface Row {
  /** Index in the list of sightings. */
  readonly of: number;
  readonly values: readonly number[];
  readonly place: number;
  readonly weight: number;
}

export function rowsOf(sightings: readonly Sighting[], trust: readonly number[], noise: Noise, pose: Pose): Row[] {
  return sightings.flatMap((sighting, of): Row[] => {
    const { chip, picture, along, kind } = sighting;
    const weight = (trust[of] ?? 0) / noise[kind] ** 2;
    if (weight === 0) return [];
    const [alongX, alongY] = derivatives(pose, chip);
    if (along === undefined) {
      const [shiftX, shiftY] = termsOfLabel(pose, kind);
      return [
        { of, values: [...alongX, ...shiftX], place: picture.x, weight },
        { of, values: [...alongY, ...shiftY], place: picture.y, weight },
      ];
    }
    const { x, y } = direction(pose, along);
    const values = alongX.map((value, k) => x * value + y * (alongY[k] ?? 0));
    return [{ of, values: [...values, ...termsOfEdge(sighting)], place: x * picture.x + y * picture.y, weight }];
  });
}

/** Returns the share of a row's value that the other rows determine: 0 if they do not. */
export function redundancy({ values, weight }: Row, covariance: Matrix): number {
  return 1 - weight * product(covariance, values, values);
}

export function distance(pose: Pose, deviations: Deviations, sighting: Sighting): number {
  const { chip, picture, along, kind } = sighting;
  const off = minus(picture, toPicture(pose, chip));
  if (along === undefined) {
    const [shiftX, shiftY] = termsOfLabel(pose, kind);
    return Math.hypot(off.x - dot(shiftX, deviations), off.y - dot(shiftY, deviations));
  }
  const unit = direction(pose, along);
  return Math.abs(off.x * unit.x + off.y * unit.y - dot(termsOfEdge(sighting), deviations));
}

/** Returns the distance of a sighting from its position in the pose, px along the chip's x and y. */
export function offsetOf(pose: Pose, { chip, picture }: Sighting): Point {
  const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
  const off = minus(picture, toPicture(pose, chip));
  return { x: off.x * right.x + off.y * right.y, y: off.x * down.x + off.y * down.y };
}

/**
 * Returns the derivatives of a chip point's x and y in the picture with respect to the unknowns: x, y, s·cos and s·sin per mm,
 * a lens's amounts.
 */
export function derivatives(pose: Pose, chip: Point): [number[], number[]] {
  const { lens } = pose;
  const [u, v] = [chip.x / 1000, ((pose.mirrored ? -1 : 1) * chip.y) / 1000];
  const bent = lens === undefined ? [] : bends(lens, idealPlace(pose, chip));
  return [
    [1, 0, u, v, ...bent.map(({ x }) => x)],
    [0, 1, v, -u, ...bent.map(({ y }) => y)],
  ];
}

/**
 * Returns the normal equations of weighted least squares. All unknowns are linear; a lens's amounts are evaluated at the
 * current positions. The priors of the amounts and of the deviations are centred on 0; those of the deviations have the given
 * standard deviations, px.
 */
export function normalEquations(rows: readonly Row[], { lens }: Pose, deviations: readonly number[]): Float64Array[] {
  const ofPose = SIMILARITY + (lens?.amounts.length ?? 0);
  const unknowns = ofPose + deviations.length;
  const system = Array.from({ length: unknowns }, () => new Float64Array(unknowns + 1));
  for (const { values, place, weight } of rows) {
    for (let a = 0; a < unknowns; a++) {
      const line = system[a] as Float64Array;
      const factor = (values[a] ?? 0) * weight;
      for (let b = 0; b < unknowns; b++) line[b] = (line[b] ?? 0) + factor * (values[b] ?? 0);
      line[unknowns] = (line[unknowns] ?? 0) + factor * place;
    }
  }
  const expected = [...(lens?.amounts.map((_, i) => (ORDINARY[i] ?? 0) * lens.radiusPx) ?? []), ...deviations];
  expected.forEach((deviation, i) => {
    const line = system[SIMILARITY + i] as Float64Array;
    line[SIMILARITY + i] = (line[SIMILARITY + i] ?? 0) + deviation ** -2;
  });
  return system;
}

export function posed(pose: Pose, [x = 0, y = 0, a = 0, b = 0, ...others]: readonly number[]): Pose {
  const { lens } = pose;
  const now = lens === undefined ? {} : { lens: { ...lens, amounts: others.slice(0, lens.amounts.length) } };
  return { ...pose, ...now, x, y, pxPerUm: Math.hypot(a, b) / 1000, angleDegrees: (Math.atan2(b, a) * 180) / Math.PI };
}

/** Returns the unknowns of a pose, in the order of `derivatives`. */
export function unknownsOf({ x, y, pxPerUm, angleDegrees, lens }: Pose): number[] {
  const radians = (angleDegrees * Math.PI) / 180;
  return [x, y, 1000 * pxPerUm * Math.cos(radians), 1000 * pxPerUm * Math.sin(radians), ...(lens?.amounts ?? [])];
}
