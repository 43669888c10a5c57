// LZW as TIFF has it: codes of 9 to 12 bits, the highest bit first, each width begun one code early.

const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const SHORTEST = 9;
const LONGEST = 12;
const CODES = 1 << LONGEST;

/**
 * Unpacks at most `target.length` bytes; returns how many there were. Damaged data ends where it is damaged: the caller knows
 * how many bytes there must be.
 */
export function unpackLzw(packed: Uint8Array, target: Uint8Array): number {
  // The string of a code is its prefix's string and one more byte; it stands in the target where it was written first.
  const starts = new Int32Array(CODES);
  const lengths = new Int32Array(CODES);
  let [next, width] = [FIRST_FREE, SHORTEST];
  let [buffer, bits, at, to] = [0, 0, 0, 0];
  let [lastStart, lastLength] = [-1, 0];
  for (;;) {
    while (bits < width) {
      if (at >= packed.length) return to;
      buffer = ((buffer << 8) | (packed[at++] as number)) & 0xffffff;
      bits += 8;
    }
    const code = (buffer >> (bits - width)) & ((1 << width) - 1);
    bits -= width;
    if (code === END) return to;
    if (code === CLEAR) {
      [next, width, lastStart] = [FIRST_FREE, SHORTEST, -1];
      continue;
    }
    if (to >= target.length) return to;
    const start = to;
    if (code < CLEAR) target[to++] = code;
    else {
      // A code that is not defined yet can only be the next one: the last string and its first byte.
      const isKnown = code < next;
      if (lastStart < 0 || (!isKnown && code !== next)) return to;
      const from = isKnown ? (starts[code] as number) : lastStart;
      const length = isKnown ? (lengths[code] as number) : lastLength + 1;
      const end = Math.min(target.length, to + length);
      for (let source = from; to < end; source++, to++) target[to] = target[source] as number;
    }
    if (lastStart >= 0 && next < CODES) {
      // Its last byte is the first one of the string just written, which stands right behind the last string.
      starts[next] = lastStart;
      lengths[next] = lastLength + 1;
      next++;
      if (next >= (1 << width) - 1 && width < LONGEST) width++;
    }
    [lastStart, lastLength] = [start, to - start];
  }
}
