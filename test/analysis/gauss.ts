// Random numbers of the tests' own: a linear congruential generator of 48 bits and Marsaglia's polar method, nothing of the
// product.

/** Standard normal numbers; the same seed gives the same ones. */
export function gauss(seed: number): () => number {
  let state = (BigInt(seed) << 16n) + 0x330en;
  const uniform = () => {
    state = (state * 0x5deece66dn + 11n) & 0xffff_ffff_ffffn;
    return Number(state) / 2 ** 48;
  };
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    for (;;) {
      const [x, y] = [2 * uniform() - 1, 2 * uniform() - 1];
      const square = x * x + y * y;
      if (square === 0 || square >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = scale * y;
      return scale * x;
    }
  };
}

/** Autoregressive noise of variance 1: each value is `rho` of the one before and something new. */
export function autoregressive(random: () => number, length: number, rho: number): Float64Array {
  const values = new Float64Array(length);
  values.forEach((_zero, at) => {
    values[at] = at === 0 ? random() : rho * (values[at - 1] as number) + Math.sqrt(1 - rho * rho) * random();
  });
  return values;
}

/** Mean and standard deviation. */
export function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, deviation: Math.sqrt(square) };
}
