// Types for parts of the chip seen in a picture.
import type { Point } from "./pose.ts";

/** A part of the chip seen in the picture: a point, or only its position along one of the chip's directions. */
export interface Sighting {
  readonly name: string;
  /** µm on the chip. */
  readonly chip: Point;
  /** px in the picture. */
  readonly picture: Point;
  /** Unit vector on the chip along which `picture` counts; both directions if absent. */
  readonly along?: Point;
  /** For an edge of a grating: whether its light is towards larger (1) or smaller (-1) positions along `along`. */
  readonly inward?: 1 | -1;
  readonly kind: Kind;
  /** Its weight among those of its kind, 0 to 1. */
  readonly weight: number;
}

/** Centres of labels; upper and lower edges of gratings; left and right ones; rough guesses of positions. */
export type Kind = "label" | "edge" | "side" | "guess";

/** Standard deviation of sightings of each kind in one direction, px. */
export type Noise = Readonly<Record<Kind, number>>;
