// Simulated ROIs of known truth and noise, and the Cramér-Rao bound of the position that they allow.
import { normal, randomStream } from "../../src/simulator/noise.ts";

export interface Line {
  readonly kind: "gaussian" | "lorentzian" | "fano";
  /** px: of the resonance on the middle row, of the width, per row. */
  readonly centre: number;
  readonly width: number;
  readonly slope: number;
  readonly q: number;
  /** Counts: over the base, and the base. */
  readonly height: number;
  readonly base: number;
}

/** Speckle is a share of the light; the noise of camera and photons is in counts. */
export interface Noise {
  readonly speckle: number;
  /** px, full width at half maximum of a grain. */
  readonly grainPx: number;
  readonly electronsPerCount: number;
  readonly readCounts: number;
}

export const NOISE: Noise = { speckle: 0.12, grainPx: 2.5, electronsPerCount: 50, readCounts: 1 };
export const SIZE = { rows: 74, width: 181 } as const;

/** The light at a place, counts; `row` is counted from the middle of the ROI. */
export function lightAt(line: Line, x: number, row: number): number {
  const t = (x - line.centre - line.slope * row) / line.width;
  if (line.kind === "gaussian") return line.base + line.height * Math.exp((-t * t) / 2);
  if (line.kind === "lorentzian") return line.base + line.height / (1 + t * t);
  return line.base + (line.height * (line.q + t) ** 2) / ((1 + t * t) * (1 + line.q ** 2));
}

/** One number of the standard normal distribution after the other. */
export function normalsOf(seed: number): () => number {
  const random = randomStream(seed);
  return () => normal(random);
}

/** Weights that smooth white noise of unit variance into grains. */
function grainWeights(grainPx: number): Float64Array {
  const deviation = grainPx / 2.355 / Math.SQRT2;
  const reach = Math.ceil(4 * deviation);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - reach) / deviation) ** 2),
  );
  const length = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
  return weights.map((weight) => weight / length);
}

/** px^2 under the autocorrelation of a field of such grains. */
export function grainArea(grainPx: number): number {
  const sum = grainWeights(grainPx).reduce((total, weight) => total + weight, 0);
  // The square of the weights' sum is the area along one axis.
  return sum ** 4;
}

/** [row][x] numbers of mean 0 and deviation 1 that are alike within a grain. */
export function speckleField(rows: number, width: number, grainPx: number, next: () => number): Float64Array {
  const weights = grainWeights(grainPx);
  const margin = weights.length - 1;
  // A loop: Float64Array.from takes as long for this as all the rest.
  const white = new Float64Array((rows + margin) * (width + margin));
  for (let i = 0; i < white.length; i++) white[i] = next();
  const smooth = new Float64Array((rows + margin) * width);
  for (let row = 0; row < rows + margin; row++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k <= margin; k++)
        sum += (weights[k] as number) * (white[row * (width + margin) + x + k] as number);
      smooth[row * width + x] = sum;
    }
  }
  const field = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k <= margin; k++) sum += (weights[k] as number) * (smooth[(row + k) * width + x] as number);
      field[row * width + x] = sum;
    }
  }
  return field;
}

/** Light of each pixel, counts, row by row. `row` is counted from the middle of the ROI. */
export function lightTable(
  light: (x: number, row: number) => number,
  { rows, width }: { readonly rows: number; readonly width: number } = SIZE,
): Float64Array {
  const table = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; x++) table[row * width + x] = light(x, row - (rows - 1) / 2);
  }
  return table;
}

/** The same light in frame after frame, computed once. */
export function steady(light: (x: number, row: number) => number): (x: number, row: number) => number {
  const { rows, width } = SIZE;
  const table = lightTable(light);
  return (x, row) => table[(row + (rows - 1) / 2) * width + x] as number;
}

/** 8-bit counts of an ROI under a speckle field, with fresh shot and read noise. */
export function exposeRoi(
  light: (x: number, row: number) => number,
  field: Float64Array,
  noise: Noise,
  next: () => number,
  { rows, width }: { readonly rows: number; readonly width: number } = SIZE,
): Uint8Array {
  const pixels = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; x++) {
      const at = row * width + x;
      const mean = light(x, row - (rows - 1) / 2) * Math.max(0, 1 + noise.speckle * (field[at] as number));
      const value = mean + next() * Math.sqrt(Math.max(mean, 0) / noise.electronsPerCount + noise.readCounts ** 2);
      pixels[at] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return pixels;
}

/**
 * The Cramér-Rao bound (px, one standard deviation) of `centre` when the shape, the slope, and the height and base of
 * every row are unknown too. A line is smooth over a grain, and for such functions the noise acts as white noise whose
 * variance is what it has at long wavelengths: the speckle's times the area of its autocorrelation, plus camera and
 * photons.
 */
export function cramerRaoPx(line: Line, noise: Noise, { rows, width } = SIZE): number {
  const area = grainArea(noise.grainPx);
  const shared: (keyof Line)[] =
    line.kind === "fano" ? ["centre", "slope", "width", "q"] : ["centre", "slope", "width"];
  const count = shared.length;
  const information = Array.from({ length: count }, () => new Float64Array(count));
  for (let row = 0; row < rows; row++) {
    const fromMiddle = row - (rows - 1) / 2;
    const functions = Array.from({ length: count + 2 }, () => new Float64Array(width));
    for (let x = 0; x < width; x++) {
      const light = lightAt(line, x, fromMiddle);
      const counts = light / noise.electronsPerCount + noise.readCounts ** 2 + 1 / 12;
      const deviation = Math.sqrt(area * (noise.speckle * light) ** 2 + counts);
      (functions[0] as Float64Array)[x] = 1 / deviation;
      (functions[1] as Float64Array)[x] = (light - line.base) / line.height / deviation;
      shared.forEach((name, k) => {
        const moved = (by: number) => lightAt({ ...line, [name]: (line[name] as number) + by }, x, fromMiddle);
        (functions[k + 2] as Float64Array)[x] = (moved(1e-4) - moved(-1e-4)) / 2e-4 / deviation;
      });
    }
    // What the row's own height and base can imitate tells nothing of the shared parameters.
    functions.forEach((late, k) => {
      for (const early of functions.slice(0, Math.min(k, 2))) removePart(late, early);
    });
    for (let k = 0; k < count; k++) {
      for (let j = 0; j < count; j++) {
        (information[k] as Float64Array)[j] =
          (information[k]?.[j] as number) + dot(functions[k + 2] as Float64Array, functions[j + 2] as Float64Array);
      }
    }
  }
  return Math.sqrt(firstOfInverse(information));
}

/**
 * The Cramér-Rao bound (px, one standard deviation) of a shift in speckle that stays as it is: the shape of the line is
 * known, every row has its own light, and the frame is compared with the mean of `frames` others.
 */
export function shiftBoundPx(line: Line, noise: Noise, frames: number, { rows, width } = SIZE): number {
  let information = 0;
  for (let row = 0; row < rows; row++) {
    const fromMiddle = row - (rows - 1) / 2;
    const [light, slope] = [new Float64Array(width), new Float64Array(width)];
    for (let x = 0; x < width; x++) {
      const value = lightAt(line, x, fromMiddle);
      const deviation = Math.sqrt(value / noise.electronsPerCount + noise.readCounts ** 2 + 1 / 12);
      light[x] = value / deviation;
      slope[x] = (lightAt(line, x + 1e-4, fromMiddle) - lightAt(line, x - 1e-4, fromMiddle)) / 2e-4 / deviation;
    }
    removePart(slope, light);
    information += dot(slope, slope);
  }
  return Math.sqrt((1 + 1 / frames) / information);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

function removePart(from: Float64Array, part: Float64Array): void {
  const share = dot(from, part) / dot(part, part);
  from.forEach((value, i) => {
    from[i] = value - share * (part[i] as number);
  });
}

/** Element (0, 0) of the inverse of a positive definite matrix: the Schur complement, one parameter after the other. */
export function firstOfInverse(matrix: Float64Array[]): number {
  const left = matrix.map((row) => Float64Array.from(row));
  for (let last = left.length - 1; last > 0; last--) {
    const pivot = left[last]?.[last] as number;
    for (let k = 0; k < last; k++) {
      for (let j = 0; j < last; j++) {
        const row = left[k] as Float64Array;
        row[j] = (row[j] as number) - ((row[last] as number) * (left[last]?.[j] as number)) / pivot;
      }
    }
  }
  return 1 / (left[0]?.[0] as number);
}
