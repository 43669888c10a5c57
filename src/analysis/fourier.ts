// The in-place fast Fourier transform of a square: Cooley and Tukey's radix 2, rows first, then columns.

/** A square of complex numbers, row-major; `size` is a power of two. */
export interface Spectrum {
  readonly size: number;
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/** Transforms in place. `inverse` transforms back, without dividing by the number of values. */
export function transform({ size, real, imaginary }: Spectrum, inverse = false): void {
  const turns = twiddles(size, inverse);
  for (let row = 0; row < size; row += 1) line(real, imaginary, row * size, 1, size, turns);
  for (let column = 0; column < size; column += 1) line(real, imaginary, column, size, size, turns);
}

interface Twiddles {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

function twiddles(size: number, inverse: boolean): Twiddles {
  const angle = ((inverse ? 2 : -2) * Math.PI) / size;
  const of = (turn: (radians: number) => number) => Float64Array.from({ length: size / 2 }, (_x, k) => turn(angle * k));
  return { cos: of(Math.cos), sin: of(Math.sin) };
}

/** Transforms one line of values, `step` apart. */
function line(
  real: Float64Array,
  imaginary: Float64Array,
  from: number,
  step: number,
  size: number,
  turns: Twiddles,
): void {
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const [a, b] = [from + i * step, from + j * step];
    const [re, im] = [real[a] as number, imaginary[a] as number];
    real[a] = real[b] as number;
    imaginary[a] = imaginary[b] as number;
    real[b] = re;
    imaginary[b] = im;
  }
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const [cos, sin] = [turns.cos[k * stride] as number, turns.sin[k * stride] as number];
        const a = from + (start + k) * step;
        const b = a + half * step;
        const re = (real[b] as number) * cos - (imaginary[b] as number) * sin;
        const im = (real[b] as number) * sin + (imaginary[b] as number) * cos;
        real[b] = (real[a] as number) - re;
        imaginary[b] = (imaginary[a] as number) - im;
        real[a] = (real[a] as number) + re;
        imaginary[a] = (imaginary[a] as number) + im;
      }
    }
  }
}
