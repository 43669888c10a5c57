// Removes scratches from a picture before the search for lattices. A connected structure across a large part of the picture is
// not a band, because gratings end at gaps. Without this, a scratch outweighs a small or faint chip.
import { flatten, type Plane } from "../analysis/correlate.ts";

/** A structure longer than this share of the picture's longer side is removed. */
const LONG = 0.3;
/** Minimum deviation of the light, in local standard deviations. */
const STANDS_OUT = 1.2;
const FLATTEN_PX = 25;

/** Returns the plane with long bright or dark structures replaced by their surroundings; the same plane if there are none. */
export function withoutScratches(plane: Plane): Plane {
  const { width, height } = plane;
  const flat = flatten(plane, FLATTEN_PX).values;
  const masked = new Uint8Array(flat.length);
  let any = false;
  for (const sign of [1, -1]) any = maskLong(flat, sign, width, height, masked) || any;
  return any ? { ...plane, values: filled(plane, widened(masked, width, height)) } : plane;
}

/** Marks connected structures that deviate with this sign and are long; returns whether there is one. */
function maskLong(flat: Float32Array, sign: number, width: number, height: number, masked: Uint8Array): boolean {
  const long = LONG * Math.max(width, height);
  const seen = new Uint8Array(flat.length);
  const members = new Int32Array(flat.length);
  let any = false;
  for (let start = 0; start < flat.length; start++) {
    if (seen[start] === 1 || sign * (flat[start] as number) < STANDS_OUT) continue;
    let count = 1;
    members[0] = start;
    seen[start] = 1;
    let [left, right, top, bottom] = [width, 0, height, 0];
    for (let next = 0; next < count; next++) {
      const at = members[next] as number;
      const [x, y] = [at % width, Math.floor(at / width)];
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      for (let b = Math.max(0, y - 1); b <= Math.min(height - 1, y + 1); b++) {
        for (let a = Math.max(0, x - 1); a <= Math.min(width - 1, x + 1); a++) {
          const beside = b * width + a;
          if (seen[beside] === 1 || sign * (flat[beside] as number) < STANDS_OUT) continue;
          seen[beside] = 1;
          members[count++] = beside;
        }
      }
    }
    if (Math.hypot(right - left, bottom - top) < long) continue;
    any = true;
    for (let i = 0; i < count; i++) masked[members[i] as number] = 1;
  }
  return any;
}

/** Returns the mask and the pixels around it, because a scratch's rim is grey. */
function widened(masked: Uint8Array, width: number, height: number): Uint8Array {
  const wide = masked.slice();
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      if (masked[at] === 1) for (const step of [-1, 1, -width, width]) wide[at + step] = 1;
    }
  }
  return wide;
}

/** Replaces masked pixels by the mean of the nearest others on both sides, across the structure: the shorter way. */
function filled({ values, width, height }: Plane, masked: Uint8Array): Float32Array {
  const out = values.slice();
  /** Returns the index of the next unmasked pixel, or -1 beyond the picture's edge. */
  const free = (x: number, y: number, dx: number, dy: number): number => {
    for (let [a, b] = [x + dx, y + dy]; a >= 0 && b >= 0 && a < width && b < height; a += dx, b += dy) {
      if (masked[b * width + a] === 0) return b * width + a;
    }
    return -1;
  };
  for (let at = 0; at < values.length; at++) {
    if (masked[at] === 0) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    const [west, east, north, south] = [free(x, y, -1, 0), free(x, y, 1, 0), free(x, y, 0, -1), free(x, y, 0, 1)];
    const across = west < 0 || east < 0 ? Number.POSITIVE_INFINITY : east - west;
    const down = north < 0 || south < 0 ? Number.POSITIVE_INFINITY : (south - north) / width;
    const sides = across <= down ? [west, east] : [north, south];
    const known = sides.filter((place) => place >= 0);
    if (known.length > 0) out[at] = known.reduce((sum, place) => sum + (values[place] as number), 0) / known.length;
  }
  return out;
}
