// Rows with a known truth for the kernel's tests: seeded, so that every run sees the same ones.

/** Normal numbers from a seed (mulberry32 and Box-Muller). */
export function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** A picture of 16-bit counts, so that rounding does not hide anything: value(x, y) clipped to 0..65535. */
export function picture16(width: number, height: number, value: (x: number, y: number) => number): Uint16Array {
  const pixels = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels[y * width + x] = Math.max(0, Math.min(65535, Math.round(value(x, y))));
    }
  }
  return pixels;
}

export function gaussian(x: number, amplitude: number, mu: number, sigma: number, offset: number): number {
  return amplitude * Math.exp(-((x - mu) ** 2) / (2 * sigma * sigma)) + offset;
}

export function fano(
  x: number,
  amplitude: number,
  q: number,
  resonance: number,
  gamma: number,
  offset: number,
): number {
  return (amplitude * (q * gamma + x - resonance) ** 2) / (gamma ** 2 + (x - resonance) ** 2) + offset;
}

/** Noise of unit deviation whose neighbours are alike: a Gaussian of `grainPx` deviation over white noise. */
export function correlated(next: () => number, count: number, grainPx: number): Float64Array {
  const reach = Math.ceil(4 * grainPx);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * grainPx ** 2)));
  const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
  const white = Float64Array.from({ length: count + 2 * reach }, next);
  return Float64Array.from(
    { length: count },
    (_, i) => weights.reduce((sum, weight, k) => sum + weight * (white[i + k] ?? 0), 0) / norm,
  );
}
