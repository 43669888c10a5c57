// How far the chip has moved in the picture, as it is measured, stored and shown.

/**
 * Movement of the chip since the reference. A point of the chip that was at q, px from the middle of the picture
 * (width // 2, height // 2), is now at Rot(turn)·q + shift, Rot(a) = (cos a, sin a; −sin a, cos a).
 */
export interface Displacement {
  /** px in the picture, positive to the right. */
  readonly dx: number;
  /** px in the picture, positive downwards. */
  readonly dy: number;
  /** degrees, in the sense of `imageAngle`. */
  readonly turnDegrees: number;
  /** Standard error of dx and dy, the larger, px. */
  readonly errorPx: number;
  /** Patches that went along. */
  readonly patches: number;
}
