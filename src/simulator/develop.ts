// Simulates a camera with its own processor: noise removal, which turns speckle into even patches with sharp edges, and JPEG,
// which rounds the waves in squares of 8 x 8 pixels.

/** A sigma filter: each pixel becomes the mean of the surrounding pixels (5 x 5) that differ by at most a limit. */
interface Denoising {
  readonly passes: number;
  /**
   * The limit: this many counts plus this share of the pixel's own value, at least one count. Dark places are smoothed less.
   */
  readonly from: number;
  readonly share: number;
}

export interface Processing {
  readonly denoise: Denoising;
  /** JPEG quality as in libjpeg, 1 to 100. */
  readonly jpegQuality: number;
}

/** Pixels as counts, row-major. */
export interface Plane {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Applies both steps in place. */
export function develop(plane: Plane, { denoise, jpegQuality }: Processing): void {
  for (let pass = 0; pass < denoise.passes; pass++) removeNoise(plane, denoise);
  roundWaves(plane, jpegQuality);
}

const REACH = 2;
const ROWS = 2 * REACH + 1;

function removeNoise({ values, width, height }: Plane, { from, share }: Denoising): void {
  const wide = width + 2 * REACH;
  // The original rows around the one being written, with their outermost pixels repeated.
  const around = Array.from({ length: ROWS }, () => new Float32Array(wide));
  const take = (y: number): void => {
    const row = around[(y + REACH) % ROWS] as Float32Array;
    const from = Math.min(Math.max(y, 0), height - 1) * width;
    row.set(values.subarray(from, from + width), REACH);
    row.fill(row[REACH] as number, 0, REACH);
    row.fill(row[REACH + width - 1] as number, REACH + width);
  };
  for (let y = 0; y < height + REACH; y++) {
    if (y === 0) for (let above = 1; above <= REACH; above++) take(-above);
    take(y);
    const at = y - REACH;
    if (at >= 0)
      filterRow(around, around[y % ROWS] as Float32Array, values.subarray(at * width, (at + 1) * width), from, share);
  }
}

/** Filters one row: `own` is the row itself among the rows `around` it. */
function filterRow(
  around: readonly Float32Array[],
  own: Float32Array,
  to: Float32Array,
  from: number,
  share: number,
): void {
  for (let x = 0; x < to.length; x++) {
    const centre = own[x + REACH] as number;
    const limit = Math.max(1, from + share * centre);
    const [lowest, highest] = [centre - limit, centre + limit];
    let sum = 0;
    let count = 0;
    for (let row = 0; row < ROWS; row++) {
      const values = around[row] as Float32Array;
      for (let k = x; k < x + ROWS; k++) {
        const value = values[k] as number;
        if (value >= lowest && value <= highest) {
          sum += value;
          count++;
        }
      }
    }
    to[x] = sum / count;
  }
}

const SIDE = 8;
/** JPEG's standard luminance table, row-major. */
const LUMINANCE = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
].flat();

/** Returns the quantisation steps at a quality, as libjpeg scales them. */
function stepsOf(quality: number): Float64Array {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return Float64Array.from(LUMINANCE, (step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))));
}

/** [wave][place]: the discrete cosine transform of 8 values. */
const WAVES = Float64Array.from({ length: SIDE * SIDE }, (_, i) => {
  const [wave, place] = [Math.floor(i / SIDE), i % SIDE];
  return Math.sqrt((wave === 0 ? 1 : 2) / SIDE) * Math.cos(((2 * place + 1) * wave * Math.PI) / (2 * SIDE));
});

/** Rounds the waves of every square as JPEG does; squares at the edge repeat their last pixels. */
function roundWaves({ values, width, height }: Plane, quality: number): void {
  const steps = stepsOf(quality);
  const block = new Float64Array(SIDE * SIDE);
  const waves = new Float64Array(SIDE * SIDE);
  for (let top = 0; top < height; top += SIDE) {
    for (let left = 0; left < width; left += SIDE) {
      for (let i = 0; i < block.length; i++) {
        const y = Math.min(top + (i >> 3), height - 1);
        block[i] = Math.round(values[y * width + Math.min(left + (i & 7), width - 1)] as number) - 128;
      }
      transform(block, waves, true);
      for (let i = 0; i < waves.length; i++) {
        const step = steps[i] as number;
        waves[i] = Math.round((waves[i] as number) / step) * step;
      }
      transform(waves, block, false);
      const [rows, columns] = [Math.min(SIDE, height - top), Math.min(SIDE, width - left)];
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) values[(top + y) * width + left + x] = (block[y * SIDE + x] as number) + 128;
      }
    }
  }
}

/** Intermediate values between the two directions of a transform. */
const half = new Float64Array(SIDE * SIDE);

/** Transforms a square, or inverts the transform. */
function transform(from: Float64Array, to: Float64Array, forward: boolean): void {
  const [outer, inner] = forward ? [SIDE, 1] : [1, SIDE];
  lines(from, half, 1, SIDE, outer, inner);
  lines(half, to, SIDE, 1, outer, inner);
}

/** Transforms each line of a square: values `step` apart, lines `next` apart. */
function lines(from: Float64Array, to: Float64Array, step: number, next: number, outer: number, inner: number): void {
  for (let line = 0; line < SIDE; line++) {
    const start = line * next;
    for (let i = 0; i < SIDE; i++) {
      let sum = 0;
      for (let k = 0; k < SIDE; k++) {
        sum += (from[start + k * step] as number) * (WAVES[i * outer + k * inner] as number);
      }
      to[start + i * step] = sum;
    }
  }
}
