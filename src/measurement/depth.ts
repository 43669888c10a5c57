// Where the scale of a picture ends, and what a series of pictures has shown of it.

/** What is known before a picture is examined. Plain data, as it crosses to the threads. */
export interface DepthKnowledge {
  /** Bits of the camera's samples as configured; 0 where that is for the pictures to show. */
  readonly bits: number;
  /** Largest value of the pictures before. */
  readonly largest: number;
  /** Low bits that were 0 in all their values, up to 16. */
  readonly shift: number;
  /** Full scale that they have shown by light that was cut off; 0 where none was. */
  readonly top: number;
}

/** The same with the picture in it. */
export interface Depth extends DepthKnowledge {
  /** Values from here on are cut off. */
  readonly saturation: number;
  /** Full scale; 65535 where nothing says otherwise. */
  readonly full: number;
}
