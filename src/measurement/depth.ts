// Types for the full scale of a picture, and for what a series of pictures has revealed about it.

/** What is known before a picture is examined. Plain data, so that it can be sent to threads. */
export interface DepthKnowledge {
  /** Configured bit depth of the camera; 0 to find it from the pictures. */
  readonly bits: number;
  /** Largest value in earlier pictures. */
  readonly largest: number;
  /** Number of low bits that were 0 in all their values, up to 16. */
  readonly shift: number;
  /** Full scale that clipped light in them revealed; 0 if none was clipped. */
  readonly top: number;
}

/** The same, including the picture itself. */
export interface Depth extends DepthKnowledge {
  /** Values from here on are saturated. */
  readonly saturation: number;
  /** Full scale; 65535 if unknown. */
  readonly full: number;
}
