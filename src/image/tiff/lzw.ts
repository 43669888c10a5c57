// Unpacks TIFF's variant of LZW: codes of 9 to 12 bits, the highest bit first; the code width grows one code early.

const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const SHORTEST = 9;
const LONGEST = 12;
const CODES = 1 << LONGEST;

/**
 * Unpacks at most `target.length` bytes and returns their number. Stops at damaged data; the caller knows how many bytes there
 * must be.
 */
export function unpackLzw(packed: Uint8Array, target: Uint8Array): number {
  // The string of a code is the string of its prefix plus one byte. It is stored in the target, where it was first written.
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
      // Its last byte is the first byte of the string just written, which directly follows the last string.
      starts[next] = lastStart;
      lengths[next] = lastLength + 1;
      next++;
      if (next >= (1 << width) - 1 && width < LONGEST) width++;
    }
    [lastStart, lastLength] = [start, to - start];
  }
}
