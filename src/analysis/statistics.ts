// The established statistics of one quantity over the measured rows of an ROI, number for number as numpy gives them.
import { STATISTICS } from "./method.ts";

/** Three decimals, halves to even: numpy's `round` (scale, nearest even, scale back), which the established files hold. */
export function roundHalfEven(value: number, decimals = 3): number {
  const scale = 10 ** decimals;
  const scaled = value * scale;
  // Beyond 2^52 a double has no decimals to round.
  if (!(Math.abs(scaled) < 2 ** 52)) return value;
  const below = Math.floor(scaled);
  const excess = scaled - below;
  const nearest = excess > 0.5 || (excess === 0.5 && below % 2 !== 0) ? below + 1 : below;
  return nearest / scale;
}

/** The quantile `share` (0 to 1) of ascending values, interpolated linearly between neighbours; NaN of none. */
export function quantileOfSorted(sorted: Float64Array, share: number): number {
  const last = sorted.length - 1;
  if (last < 0) return Number.NaN;
  const at = share * last;
  const below = Math.floor(at);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, last)] as number;
  const part = at - below;
  // numpy approaches the nearer neighbour, so that the end points are met exactly.
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

// Pictures have thousands of medians, most of fewer than 200 values: one scratch array, no sorting, no garbage.
let scratch = new Float64Array(256);

/** Median of values in any order, those that are not numbers left out; NaN of none. */
export function medianOf(values: Float64Array): number {
  if (scratch.length < values.length) scratch = new Float64Array(2 * values.length);
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (!Number.isNaN(value)) scratch[count++] = value;
  }
  if (count === 0) return Number.NaN;
  const middle = count >> 1;
  const high = selectInScratch(middle, count);
  if (count % 2 !== 0) return high;
  let low = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < middle; at++) low = Math.max(low, scratch[at] as number);
  return low + (high - low) * 0.5;
}

/** The value of rank `rank` among the first `count` of the scratch array; smaller ones end up before it (Hoare). */
function selectInScratch(rank: number, count: number): number {
  let left = 0;
  let right = count - 1;
  while (left < right) {
    const pivot = scratch[(left + right) >> 1] as number;
    let up = left;
    let down = right;
    while (up <= down) {
      while ((scratch[up] as number) < pivot) up++;
      while ((scratch[down] as number) > pivot) down--;
      if (up > down) break;
      const swapped = scratch[up] as number;
      scratch[up++] = scratch[down] as number;
      scratch[down--] = swapped;
    }
    if (rank <= down) right = down;
    else if (rank >= up) left = up;
    else break;
  }
  return scratch[rank] as number;
}

/** How many of the values are numbers. */
export function countKnown(values: Float64Array): number {
  let count = 0;
  for (let at = 0; at < values.length; at++) if (!Number.isNaN(values[at])) count++;
  return count;
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at] as number;
  return sum / values.length;
}

/** Standard deviation of the values themselves (division by their number); NaN of none. */
export function populationDeviation(values: Float64Array): number {
  const mean = meanOf(values);
  let squares = 0;
  for (let at = 0; at < values.length; at++) squares += ((values[at] as number) - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/**
 * STATISTICS of `values` (in row order), each rounded to 3 decimals, written to `target` from `offset`; NaN where there
 * are no values. Smoothness is the deviation of successive differences over the rounded Max minus the rounded Min.
 */
export function writeStatistics(values: Float64Array, target: Float64Array, offset: number): void {
  if (values.length === 0) {
    target.fill(Number.NaN, offset, offset + STATISTICS.length);
    return;
  }
  const sorted = values.slice().sort();
  const max = roundHalfEven(sorted[sorted.length - 1] as number);
  const min = roundHalfEven(sorted[0] as number);
  target[offset] = roundHalfEven(meanOf(values));
  target[offset + 1] = roundHalfEven(populationDeviation(values));
  target[offset + 2] = roundHalfEven(quantileOfSorted(sorted, 0.25));
  target[offset + 3] = roundHalfEven(quantileOfSorted(sorted, 0.5));
  target[offset + 4] = roundHalfEven(quantileOfSorted(sorted, 0.75));
  target[offset + 5] = max;
  target[offset + 6] = min;
  target[offset + 7] =
    max === min ? 0 : roundHalfEven(populationDeviation(successiveDifferences(values)) / (max - min));
}

function successiveDifferences(values: Float64Array): Float64Array {
  const differences = new Float64Array(values.length - 1);
  for (let row = 0; row < differences.length; row++) {
    differences[row] = (values[row + 1] as number) - (values[row] as number);
  }
  return differences;
}
