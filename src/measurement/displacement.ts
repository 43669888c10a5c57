// The movement of the chip in the picture, as it is measured, stored and shown.

/**
 * Movement of the chip since the reference. A point of the chip that was at q, px from the centre of the picture (width // 2,
 * height // 2), is now at Rot(turn)·q + shift, Rot(a) = (cos a, sin a; −sin a, cos a).
 */
export interface Displacement {
  /** px in the picture, positive to the right. */
  readonly dx: number;
  /** px in the picture, positive downwards. */
  readonly dy: number;
  /** Rotation, degrees, with the sign of `imageAngle`. */
  readonly turnDegrees: number;
  /** The larger standard error of dx and dy, px. */
  readonly errorPx: number;
  /** Number of patches that moved with the chip. */
  readonly patches: number;
}
