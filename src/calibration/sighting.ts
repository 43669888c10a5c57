// What of a chip was seen where in a picture.
import type { Point } from "./pose.ts";

/** Something of the chip seen in the picture: a point, or only its place along one of the chip's directions. */
export interface Sighting {
  readonly name: string;
  /** µm on the chip. */
  readonly chip: Point;
  /** px in the picture. */
  readonly picture: Point;
  /** Unit vector on the chip along which `picture` counts; both directions when absent. */
  readonly along?: Point;
  /** For an edge of a grating: whether its light is towards larger (1) or smaller (-1) places along `along`. */
  readonly inward?: 1 | -1;
  readonly kind: Kind;
  /** How much it counts among those of its kind, 0 to 1. */
  readonly weight: number;
}

/** Middles of labels; upper and lower edges of gratings, and left and right ones; places that only say where something may be. */
export type Kind = "label" | "edge" | "side" | "guess";

/** A standard deviation of sightings of each kind in one direction, px. */
export type Noise = Readonly<Record<Kind, number>>;
