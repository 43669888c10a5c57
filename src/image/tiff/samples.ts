// Converts stored TIFF samples to gray values of 8 or 16 bits. Nothing is rounded or clipped: if a value does not fit into 16
// bits, the picture is refused.

export type GrayValues = Uint8Array | Uint16Array;

const LARGEST = 65535;

/** Unpacks samples of 9 to 16 bits that follow each other without gaps in a row, the highest bit first. */
export function unpackSamples(rows: Uint8Array, rowBytes: number, width: number, bits: number): Uint16Array {
  const height = rows.length / rowBytes;
  const values = new Uint16Array(width * height);
  const mask = (1 << bits) - 1;
  for (let row = 0, to = 0; row < height; row++) {
    let at = row * rowBytes;
    let [buffer, have] = [0, 0];
    for (let column = 0; column < width; column++, to++) {
      while (have < bits) {
        buffer = ((buffer << 8) | (rows[at++] as number)) & 0xffffff;
        have += 8;
      }
      have -= bits;
      values[to] = (buffer >> have) & mask;
    }
  }
  return values;
}

/** Converts numbers of any type to 16-bit values; undefined if one of them is not a whole number from 0 to 65535. */
export function wholeValues(numbers: ArrayLike<number>): Uint16Array | undefined {
  const values = new Uint16Array(numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const value = numbers[at] as number;
    if (!(value >= 0 && value <= LARGEST)) return undefined;
    values[at] = value;
    if (values[at] !== value) return undefined;
  }
  return values;
}

/** Converts gray values counted from white to values counted from black, in place. */
export function invert(values: GrayValues, largest: number): GrayValues {
  for (let at = 0; at < values.length; at++) values[at] = largest - (values[at] as number);
  return values;
}
