// How the values of a curve err together.

/**
 * How the values of a curve err, frame by frame: px². The covariance of two frames is what both have of `level`, less the
 * `overlap` of either.
 */
export interface CurveErrors {
  /** Variance of the frame's own part. */
  readonly own: Float64Array;
  /** Variance of the levels that were subtracted. */
  readonly level: Float64Array;
  /** Covariance of the two: not zero for frames that the levels are made from. */
  readonly overlap: Float64Array;
}
