// Computes the sensitivity of a curve from injections of known refractive index: the slope of a weighted straight line, px per
// RIU.

/** A response to a solution of known refractive index. */
export interface IndexPoint {
  readonly refractiveIndex: number;
  /** Shift from the level in the running buffer, px. */
  readonly px: number;
  readonly error: number;
  /** The part of the error that is common to all points, in proportion to their values, px; none by default. */
  readonly sharedError?: number;
}

/**
 * `few_levels`: only two levels of refractive index, which cannot show whether a line fits. `not_linear`: a line does not fit.
 */
type LineFlag = "few_levels" | "not_linear";

export interface CalibrationLine {
  readonly pxPerRiu: number;
  /** Standard error; increased if the points scatter more than their errors. */
  readonly error: number;
  readonly levels: number;
  readonly points: number;
  /** Sum of the squared residuals in units of their errors, per degree of freedom; NaN without any. */
  readonly reducedChiSquare: number;
  readonly flags: readonly LineFlag[];
}

/** A reduced chi-square above this is not chance. */
const NOT_LINEAR = 6;
/** Refractive indices closer than this are one level. */
const SAME_LEVEL = 1e-7;

/**
 * Fits a line through points with errors. `bufferIndex`: refractive index of the running buffer, where the response is zero by
 * definition; without it the intercept is free. undefined with fewer than two levels (the buffer's counts as one).
 */
export function calibrationLine(given: readonly IndexPoint[], bufferIndex?: number): CalibrationLine | undefined {
  const points = given.filter(({ px, error }) => Number.isFinite(px) && error > 0);
  const indices = points.map(({ refractiveIndex }) => refractiveIndex);
  const levels = levelsOf(bufferIndex === undefined ? indices : [...indices, bufferIndex]);
  if (levels < 2) return undefined;
  const weights = points.map(({ error }) => 1 / error ** 2);
  const mean = (of: (point: IndexPoint) => number) =>
    points.reduce((sum, point, at) => sum + of(point) * (weights[at] as number), 0) /
    weights.reduce((a, b) => a + b, 0);
  const originIndex = bufferIndex ?? mean(({ refractiveIndex }) => refractiveIndex);
  const originPx = bufferIndex === undefined ? mean(({ px }) => px) : 0;
  let [xx, xy, own, shared] = [0, 0, 0, 0];
  points.forEach(({ refractiveIndex, px, error, sharedError = 0 }, at) => {
    const x = refractiveIndex - originIndex;
    const weighted = (weights[at] as number) * x;
    xx += weighted * x;
    xy += weighted * (px - originPx);
    own += weighted * weighted * (error * error - sharedError * sharedError);
    shared += weighted * Math.sign(px) * sharedError;
  });
  const pxPerRiu = xy / xx;
  const freedom = points.length - (bufferIndex === undefined ? 2 : 1);
  const chiSquare = points.reduce((sum, { refractiveIndex, px, error }) => {
    return sum + ((px - originPx - pxPerRiu * (refractiveIndex - originIndex)) / error) ** 2;
  }, 0);
  const reducedChiSquare = freedom > 0 ? chiSquare / freedom : Number.NaN;
  const flags: LineFlag[] = levels === 2 ? ["few_levels"] : reducedChiSquare > NOT_LINEAR ? ["not_linear"] : [];
  const error = Math.sqrt(Math.max(1, reducedChiSquare || 1) * own + shared * shared) / xx;
  return { pxPerRiu, error, levels, points: points.length, reducedChiSquare, flags };
}

function levelsOf(indices: readonly number[]): number {
  const sorted = [...indices].sort((a, b) => a - b);
  return sorted.filter((index, at) => at === 0 || index - (sorted[at - 1] as number) > SAME_LEVEL).length;
}
