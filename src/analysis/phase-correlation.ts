// Measures how far one square of a picture has moved against another by phase correlation (Kuglin and Hines 1975). Both squares
// are transformed at once, as the real and the imaginary part of one. The spectrum is multiplied by a Gaussian, so that the
// peak is a Gaussian of known width: three values give its position, and pixel noise, which is in the fine detail, has little
// weight.
import { type Spectrum, transform } from "./fourier.ts";

/** Position of the peak, px, and its strength. */
export interface CorrelationPeak {
  /** Movement of the second square, positive to the right and downwards. */
  readonly dx: number;
  readonly dy: number;
  /** Ratio of the height to the root mean square of the correlation. */
  readonly strength: number;
}

/** Standard deviation of the peak, px. */
const PEAK_PX = 1.5;

/**
 * Returns the movement of `b` against `a`, both `size` x `size` values with `size` a power of two. Undefined if one of them is
 * flat.
 */
export function phaseCorrelation(a: Float64Array, b: Float64Array, size: number): CorrelationPeak | undefined {
  const both: Spectrum = { size, real: windowed(a, size), imaginary: windowed(b, size) };
  if (isFlat(both.real) || isFlat(both.imaginary)) return undefined;
  transform(both);
  const cross = crossPhase(both);
  transform(cross, true);
  return peakOf(cross.real, size);
}

/** Subtracts the mean and applies a Hann window, so that the edges of the square do not look like a pattern. */
function windowed(values: Float64Array, size: number): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const fade = Float64Array.from({ length: size }, (_x, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 0.5)) / size));
  return values.map(
    (value, at) => (value - mean) * (fade[at % size] as number) * (fade[Math.floor(at / size)] as number),
  );
}

const isFlat = (values: Float64Array): boolean => values.every((value) => value === 0);

/** Returns the weighted phase differences of the two real squares in a spectrum. */
function crossPhase({ size, real, imaginary }: Spectrum): Spectrum {
  const cross = { size, real: new Float64Array(size * size), imaginary: new Float64Array(size * size) };
  const fall = (2 * Math.PI * Math.PI * PEAK_PX * PEAK_PX) / (size * size);
  for (let y = 0; y < size; y += 1) {
    const v = y < size / 2 ? y : y - size;
    for (let x = 0; x < size; x += 1) {
      const u = x < size / 2 ? x : x - size;
      const at = y * size + x;
      const mirrored = ((size - y) % size) * size + ((size - x) % size);
      const [re, im] = [real[at] as number, imaginary[at] as number];
      const [mirroredRe, mirroredIm] = [real[mirrored] as number, imaginary[mirrored] as number];
      const [aRe, aIm] = [(re + mirroredRe) / 2, (im - mirroredIm) / 2];
      const [bRe, bIm] = [(im + mirroredIm) / 2, (mirroredRe - re) / 2];
      // b times the conjugate of a: its inverse has the peak where b has moved to.
      const [productRe, productIm] = [bRe * aRe + bIm * aIm, bIm * aRe - bRe * aIm];
      const weight = Math.exp(-fall * (u * u + v * v)) / Math.max(Math.hypot(productRe, productIm), Number.MIN_VALUE);
      cross.real[at] = weight * productRe;
      cross.imaginary[at] = weight * productIm;
    }
  }
  return cross;
}

function peakOf(values: Float64Array, size: number): CorrelationPeak {
  let highest = 0;
  let squares = 0;
  values.forEach((value, at) => {
    squares += value * value;
    if (value > (values[highest] as number)) highest = at;
  });
  const [x, y] = [highest % size, Math.floor(highest / size)];
  const value = (column: number, row: number) =>
    Math.max(values[((row + size) % size) * size + ((column + size) % size)] as number, Number.MIN_VALUE);
  const signed = (place: number) => (place < size / 2 ? place : place - size);
  return {
    dx: signed(x) + vertexOf(value(x - 1, y), value(x, y), value(x + 1, y)),
    dy: signed(y) + vertexOf(value(x, y - 1), value(x, y), value(x, y + 1)),
    strength: (values[highest] as number) / Math.sqrt(squares / values.length),
  };
}

/** Returns the centre of the Gaussian through three neighbouring values, relative to the middle one. */
function vertexOf(before: number, at: number, after: number): number {
  const [a, b, c] = [Math.log(before), Math.log(at), Math.log(after)];
  const curvature = a - 2 * b + c;
  if (!(curvature < 0)) return 0;
  return Math.min(Math.max((a - c) / (2 * curvature), -0.5), 0.5);
}
