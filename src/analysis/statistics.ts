// The established statistics of one quantity over the measured rows of an ROI, number for number as numpy gives them.
import { STATISTICS } from "./method.ts";

/** Three decimals, halves to even: numpy's `round` (scale, nearest even, scale back), which the established files hold. */
export function roundHalfEven(value: number, decimals = 3): number {
  const scale = decimals === 3 ? 1000 : 10 ** decimals;
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
  return between(low, high, at - below);
}

/** numpy's way from one neighbour to the other: it starts from the nearer one, so that both are met exactly. */
function between(low: number, high: number, part: number): number {
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

// Pictures have thousands of medians and quartiles, most of fewer than 200 values: one scratch array, no sorting, no
// garbage. Ranks are found by partition, so that each costs a few passes over ever shorter stretches.
let scratch = new Float64Array(256);

/** Copies the values that are numbers into the scratch array; returns how many there are. */
function fillScratch(values: Float64Array): number {
  if (scratch.length < values.length) scratch = new Float64Array(2 * values.length);
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (!Number.isNaN(value)) scratch[count++] = value;
  }
  return count;
}

/** Median of values in any order, those that are not numbers left out; NaN of none. */
export function medianOf(values: Float64Array): number {
  const count = fillScratch(values);
  if (count === 0) return Number.NaN;
  const middle = count >> 1;
  const high = selectInScratch(middle, 0, count - 1);
  if (count % 2 !== 0) return high;
  let low = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < middle; at++) low = Math.max(low, scratch[at] as number);
  return low + (high - low) * 0.5;
}

/**
 * The value of rank `rank` among the scratch array's values from `left` to `right`, which hold these ranks; smaller ones
 * end up before it, larger ones behind it (Hoare).
 */
function selectInScratch(rank: number, left: number, right: number): number {
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

/** The quantile `share` of the scratch array's values, of which those from `left` to `right` hold the ranks needed. */
function quantileInScratch(share: number, count: number, left: number, right: number): number {
  const at = share * (count - 1);
  const below = Math.floor(at);
  const low = selectInScratch(below, left, right);
  if (below + 1 >= count) return low;
  let high = Number.POSITIVE_INFINITY;
  for (let next = below + 1; next <= right; next++) high = Math.min(high, scratch[next] as number);
  return between(low, high, at - below);
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

/** Standard deviation of the values themselves (division by their number) about `mean`; NaN of none. */
export function populationDeviation(values: Float64Array, mean = meanOf(values)): number {
  let squares = 0;
  for (let at = 0; at < values.length; at++) {
    const distance = (values[at] as number) - mean;
    squares += distance * distance;
  }
  return Math.sqrt(squares / values.length);
}

/**
 * STATISTICS of `values` (in row order, all of them numbers), each rounded to 3 decimals, written to `target` from
 * `offset`; NaN where there are no values. Smoothness is the deviation of successive differences over the rounded Max
 * minus the rounded Min.
 */
export function writeStatistics(values: Float64Array, target: Float64Array, offset: number): void {
  const count = fillScratch(values);
  if (count === 0 || count < values.length) {
    target.fill(Number.NaN, offset, offset + STATISTICS.length);
    return;
  }
  const last = count - 1;
  // The median first: what is below and above it then holds the quartiles.
  const middle = Math.floor(0.5 * last);
  const median = quantileInScratch(0.5, count, 0, last);
  const lower = quantileInScratch(0.25, count, 0, Math.min(Math.max(middle, 1), last));
  const upper = quantileInScratch(0.75, count, middle, last);
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    lowest = Math.min(lowest, values[at] as number);
    highest = Math.max(highest, values[at] as number);
  }
  const max = roundHalfEven(highest);
  const min = roundHalfEven(lowest);
  const mean = meanOf(values);
  target[offset] = roundHalfEven(mean);
  target[offset + 1] = roundHalfEven(populationDeviation(values, mean));
  target[offset + 2] = roundHalfEven(lower);
  target[offset + 3] = roundHalfEven(median);
  target[offset + 4] = roundHalfEven(upper);
  target[offset + 5] = max;
  target[offset + 6] = min;
  target[offset + 7] = max === min ? 0 : roundHalfEven(differenceDeviation(values) / (max - min));
}

/** Standard deviation of the differences between successive values. */
function differenceDeviation(values: Float64Array): number {
  const count = values.length - 1;
  let sum = 0;
  for (let row = 0; row < count; row++) sum += (values[row + 1] as number) - (values[row] as number);
  const mean = sum / count;
  let squares = 0;
  for (let row = 0; row < count; row++) {
    const distance = (values[row + 1] as number) - (values[row] as number) - mean;
    squares += distance * distance;
  }
  return Math.sqrt(squares / count);
}
