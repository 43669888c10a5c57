// Medians, block means, and rounding in the established way. The kernel computes the established statistics themselves.

/**
 * Rounds to three decimals, halves to even, like numpy's `round` (scale, round, scale back), which the established files
 * contain.
 */
export function roundHalfEven(value: number, decimals = 3): number {
  const scale = decimals === 3 ? 1000 : 10 ** decimals;
  const scaled = value * scale;
  // Beyond 2^52 a double has no fractional part to round.
  if (!(Math.abs(scaled) < 2 ** 52)) return value;
  const below = Math.floor(scaled);
  const excess = scaled - below;
  const nearest = excess > 0.5 || (excess === 0.5 && below % 2 !== 0) ? below + 1 : below;
  return nearest / scale;
}

// Scratch array, so that medians need no sorting and create no garbage: a picture needs thousands, most of fewer than 200
// values.
let scratch = new Float64Array(256);

/** Copies the values that are not NaN into the scratch array; returns their number. */
function fillScratch(values: Float64Array): number {
  if (scratch.length < values.length) scratch = new Float64Array(2 * values.length);
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (!Number.isNaN(value)) scratch[count++] = value;
  }
  return count;
}

/** Returns the median of values in any order, ignoring NaN; NaN if there are none. */
export function medianOf(values: Float64Array): number {
  const count = fillScratch(values);
  if (count === 0) return Number.NaN;
  const middle = count >> 1;
  const high = selectInScratch(middle, count);
  if (count % 2 !== 0) return high;
  let low = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < middle; at++) low = Math.max(low, scratch[at] as number);
  return low + (high - low) * 0.5;
}

/** Returns the value of rank `rank` among the first `count` of the scratch array; smaller values end up before it (Hoare). */
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

/** Returns the means of equally long blocks of neighbours, at most `most`; the values themselves if there are not more. */
export function blockMeans(values: Float64Array, most: number): Float64Array {
  if (values.length <= most) return values;
  const count = Math.ceil(values.length / Math.ceil(values.length / most));
  const edge = (at: number) => Math.floor((at * values.length) / count);
  return Float64Array.from({ length: count }, (_, at) => {
    const block = values.subarray(edge(at), edge(at + 1));
    return block.reduce((sum, value) => sum + value, 0) / block.length;
  });
}

/**
 * Returns the middle one of values in any order; for an even number the upper of the two in the middle; undefined if there are
 * none.
 */
export function upperMedian(values: Iterable<number>): number | undefined {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1];
}
