// Undoes the TIFF predictors: differences of neighbouring samples, and the reordered bytes of floating-point numbers.

export const PREDICTOR = { none: 1, differences: 2, float: 3 } as const;

/**
 * Sums up the differences in place. `samples`: rows of numbers in this machine's byte order; `step`: samples from one pixel to
 * the next; `rowSamples`: samples in a row.
 */
export function sumUp(samples: Uint8Array | Uint16Array | Uint32Array, rowSamples: number, step: number): void {
  for (let row = 0; row < samples.length; row += rowSamples) {
    const end = Math.min(row + rowSamples, samples.length);
    for (let at = row + step; at < end; at++) {
      samples[at] = (samples[at] as number) + (samples[at - step] as number);
    }
  }
}

/**
 * Restores rows of floating-point numbers in the file's byte order. The input rows are differences, and contain all highest
 * bytes first, then all second bytes, and so on.
 */
export function joinFloats(
  rows: Uint8Array,
  rowBytes: number,
  size: number,
  step: number,
  little: boolean,
): Uint8Array {
  const joined = new Uint8Array(rows.length);
  const numbers = rowBytes / size;
  const row = new Uint8Array(rowBytes);
  for (let start = 0; start < rows.length; start += rowBytes) {
    row.set(rows.subarray(start, start + rowBytes));
    sumUp(row, rowBytes, step);
    for (let index = 0; index < numbers; index++) {
      for (let byte = 0; byte < size; byte++) {
        const place = little ? size - 1 - byte : byte;
        joined[start + index * size + place] = row[byte * numbers + index] as number;
      }
    }
  }
  return joined;
}
