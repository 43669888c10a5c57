// The error model of a curve's values.

/**
 * Variances and covariances of a curve's values by frame, px². The covariance of two frames is the part of `level` that they
 * share, minus the `overlap` of each.
 */
export interface CurveErrors {
  /** Variance of the frame itself. */
  readonly own: Float64Array;
  /** Variance of the levels that were subtracted. */
  readonly level: Float64Array;
  /** Covariance of the two: not zero for frames that the levels were computed from. */
  readonly overlap: Float64Array;
}
