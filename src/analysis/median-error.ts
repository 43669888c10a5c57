// The standard error of an ROI's position, the median of its rows: from the rows' own scatter about a tilted line.
import type { Method } from "./method.ts";
import { countKnown, medianOf } from "./statistics.ts";

/** Positions of all rows of one ROI, px, and the kernel's standard errors of them; NaN where a row was not measured. */
export interface RowPositions {
  readonly method: Method;
  readonly positions: Float64Array;
  readonly rowErrors: Float64Array;
}

/** Fewer rows than this say nothing about their own scatter; the kernel's errors of single rows stand in. */
const FEWEST_ROWS = 5;
/** Standard error of the median of many equal rows, over that of their mean: sqrt(pi / 2). */
const MEDIAN_FACTOR = Math.sqrt(Math.PI / 2);
/** A maximum falls on a whole pixel: the deviation of a value rounded so. */
const WHOLE_PIXEL_ERROR = Math.sqrt(1 / 12);
/** From the median absolute deviation to the standard deviation of a normal distribution. */
const MAD_TO_DEVIATION = 1.4826;
/** Residuals beyond this many deviations count as this many. */
const OUTLIER = 2.5;
const LINE_PASSES = 3;
/** In deviations: rows farther from the line count less. 1.345 keeps 95 % of the efficiency of least squares. */
const HUBER_LIMIT = 1.345;
/** In units of 1 / sqrt(rows): a correlation of neighbouring rows below it may be chance. */
const CHANCE = 0.3;

// Every ROI needs the same few arrays, and most ROIs have as many rows as the one before.
const SCRATCH = ["residuals", "sizes", "kept", "topRows", "top", "bottomRows", "bottom"] as const;
const scratch = new Map<(typeof SCRATCH)[number], Float64Array>();

/** An array of `length` for one purpose, with what was last in it. */
function scratchOf(purpose: (typeof SCRATCH)[number], length: number): Float64Array {
  const last = scratch.get(purpose);
  if (last?.length === length) return last;
  const fresh = new Float64Array(length);
  scratch.set(purpose, fresh);
  return fresh;
}

/**
 * px: standard error of the median of the rows, from their own scatter about a straight (tilted) line. Rows are
 * correlated where speckle grains span several of them, which leaves fewer independent ones. `position` is their median.
 * NaN where nothing is known.
 */
export function medianError({ method, positions, rowErrors }: RowPositions, position: number): number {
  const measured = countKnown(positions);
  const typicalRow = medianOf(rowErrors);
  const wholePixel = method === "max_intensity" ? WHOLE_PIXEL_ERROR : 0;
  if (measured < FEWEST_ROWS) {
    // The median of three tilted rows is the middle one; that of two is their mean.
    const averaged = measured === 2 ? 2 : 1;
    return Math.hypot(typicalRow / Math.sqrt(averaged), wholePixel);
  }
  const line = robustLine(positions);
  const residuals = residualsOf(positions, line, scratchOf("residuals", positions.length));
  const deviation = robustDeviation(residuals);
  // Rows without any scatter are copies of each other, and as uncertain together as each of them is.
  if (deviation === 0) return Math.hypot(Number.isNaN(typicalRow) ? 0 : typicalRow, wholePixel);
  const independent = medianErrorAlongLine(positions, line, deviation, position);
  return Math.hypot(independent * Math.sqrt(correlationTime(residuals, deviation)), wholePixel);
}

interface Line {
  readonly start: number;
  readonly slope: number;
}

/** px and px per row: the straight line through the rows, by least squares with Huber's weights from a robust start. */
export function robustLine(positions: Float64Array): Line {
  let line = lineOfThirds(positions);
  const residuals = scratchOf("residuals", positions.length);
  for (let pass = 0; pass < LINE_PASSES; pass++) {
    residualsOf(positions, line, residuals);
    const limit = HUBER_LIMIT * roughDeviation(residuals);
    if (limit === 0) return line;
    let sum = 0;
    let sumRow = 0;
    let sumRowRow = 0;
    let sumValue = 0;
    let sumRowValue = 0;
    for (let row = 0; row < positions.length; row++) {
      const value = positions[row] as number;
      if (Number.isNaN(value)) continue;
      const distance = Math.abs(residuals[row] as number);
      const weight = distance <= limit ? 1 : limit / distance;
      sum += weight;
      sumRow += weight * row;
      sumRowRow += weight * row * row;
      sumValue += weight * value;
      sumRowValue += weight * row * value;
    }
    const spread = sum * sumRowRow - sumRow * sumRow;
    if (!(spread > 0)) return line;
    const slope = (sum * sumRowValue - sumRow * sumValue) / spread;
    line = { start: (sumValue - slope * sumRow) / sum, slope };
  }
  return line;
}

/** The line through the medians of the first and the last third of the measured rows. */
function lineOfThirds(positions: Float64Array): Line {
  const count = countKnown(positions);
  const third = Math.ceil(count / 3);
  const topRows = scratchOf("topRows", third);
  const top = scratchOf("top", third);
  const bottomRows = scratchOf("bottomRows", third);
  const bottom = scratchOf("bottom", third);
  for (let row = 0, nth = 0; row < positions.length; row++) {
    const value = positions[row] as number;
    if (Number.isNaN(value)) continue;
    if (nth < third) {
      topRows[nth] = row;
      top[nth] = value;
    }
    const fromEnd = count - 1 - nth;
    if (fromEnd < third) {
      bottomRows[fromEnd] = row;
      bottom[fromEnd] = value;
    }
    nth++;
  }
  const apart = medianOf(bottomRows) - medianOf(topRows);
  const slope = apart > 0 ? (medianOf(bottom) - medianOf(top)) / apart : 0;
  return { start: medianOf(top) - slope * medianOf(topRows), slope };
}

/** Fills `residuals`: px per row, NaN where the row was not measured. */
function residualsOf(positions: Float64Array, line: Line, residuals: Float64Array): Float64Array {
  for (let row = 0; row < positions.length; row++) {
    residuals[row] = (positions[row] as number) - line.start - line.slope * row;
  }
  return residuals;
}

/** Deviation of residuals about 0 by the median of their sizes. */
function roughDeviation(residuals: Float64Array): number {
  const sizes = scratchOf("sizes", residuals.length);
  for (let row = 0; row < sizes.length; row++) sizes[row] = Math.abs(residuals[row] as number);
  return MAD_TO_DEVIATION * medianOf(sizes);
}

/** Deviation of residuals about 0, outliers cut at OUTLIER deviations; 0 when half of the residuals vanish. */
function robustDeviation(residuals: Float64Array): number {
  const rough = roughDeviation(residuals);
  const cut = OUTLIER * rough;
  let squares = 0;
  let count = 0;
  for (let row = 0; row < residuals.length; row++) {
    const residual = residuals[row] as number;
    if (Number.isNaN(residual)) continue;
    const size = Math.min(Math.abs(residual), cut);
    squares += size * size;
    count++;
  }
  // Two degrees of freedom went into the line.
  return rough === 0 ? 0 : Math.sqrt(squares / Math.max(1, count - 2));
}

/**
 * Standard error of the median of independent rows spread along a line: sqrt(sum p(1 - p)) / sum density, p and density
 * taken at the median. Without tilt it is MEDIAN_FACTOR * deviation / sqrt(rows); with tilt fewer rows decide, and where
 * they lie farther apart than they scatter only the one or two in the middle.
 */
function medianErrorAlongLine(positions: Float64Array, line: Line, deviation: number, median: number): number {
  let weight = 0;
  for (let row = 0; row < positions.length; row++) {
    if (Number.isNaN(positions[row])) continue;
    const z = (median - line.start - line.slope * row) / deviation;
    // The logistic curve of slope 1.702 is the normal distribution to within 0.01; its p(1 - p), scaled, is the density.
    const below = 1 / (1 + Math.exp(-1.702 * z));
    weight += 4 * below * (1 - below);
  }
  // Where no other row lies near the median the weight vanishes, but the median is made of one or two rows at least.
  const middleRows = 2 - (countKnown(positions) % 2);
  return Math.min(MEDIAN_FACTOR / Math.sqrt(weight), 1 / Math.sqrt(middleRows)) * deviation;
}

/**
 * Rows per independent row, at least 1: 1 + 2 sum of the correlations of signs up to the first lag that is not positive.
 * Taking out a line lowers every correlation by about 2 time / rows, which the second pass gives back.
 */
function correlationTime(residuals: Float64Array, deviation: number): number {
  const rows = residuals.length;
  const kept = scratchOf("kept", rows);
  const cut = OUTLIER * deviation;
  for (let row = 0; row < rows; row++) {
    const residual = residuals[row] as number;
    kept[row] = Math.abs(residual) > cut ? Math.sign(residual) * cut : residual;
  }
  const own = meanProduct(kept, 0);
  let lost = 0;
  let time = 1;
  for (let pass = 0; pass < 2; pass++) {
    time = 1;
    let linear = 1;
    for (let lag = 1; lag <= rows / 4; lag++) {
      const correlation = (meanProduct(kept, lag) / own + lost) / (1 + lost);
      // What is not larger than chance makes of independent rows ends the sum.
      if (!(correlation > lost + CHANCE / Math.sqrt(rows))) break;
      linear += 2 * correlation;
      // The median feels on which side a row lies, not how far.
      time += 2 * (1 - lag / rows) * (2 / Math.PI) * Math.asin(Math.min(1, correlation));
    }
    lost = Math.min(0.3, (2 * (linear - 1)) / rows);
  }
  return time;
}

/** Mean of the products of values `lag` rows apart, over the pairs in which both were measured. */
function meanProduct(values: Float64Array, lag: number): number {
  let sum = 0;
  let pairs = 0;
  for (let row = 0; row + lag < values.length; row++) {
    const product = (values[row] as number) * (values[row + lag] as number);
    if (Number.isNaN(product)) continue;
    sum += product;
    pairs++;
  }
  return pairs === 0 ? 0 : sum / pairs;
}
