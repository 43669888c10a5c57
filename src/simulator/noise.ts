// Random numbers of the simulator: reproducible from a seed, and fast enough for 64 million pixels. Tables are filled once; a
// picture only looks values up.

/** Returns a reproducible stream of uniform numbers in [0, 1): mulberry32. */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Combines two seeds, so that every frame and every grating has its own stream. */
export function mixSeeds(a: number, b: number): number {
  let mixed = Math.imul((a >>> 0) ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul((b >>> 0) + 0x7f4a7c15, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x7feb352d);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** Returns one number of the standard normal distribution (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Length of the table of normal numbers; a power of two, so that an odd step visits every entry. */
export const NORMALS = 1 << 16;

/** Returns `NORMALS` numbers of the standard normal distribution. */
export function normalTable(seed: number): Float32Array {
  const random = randomStream(seed);
  const table = new Float32Array(NORMALS);
  for (let at = 0; at < NORMALS; at++) table[at] = normal(random);
  return table;
}

/** Side of the speckle tile, px; a power of two. The tile repeats without a seam. */
export const TILE_PX = 1024;

/** Grains of at least this size are computed on a grid of every fourth pixel. */
const COARSE_GRAIN_PX = 16;
const COARSE = 4;

/**
 * Returns speckle: `TILE_PX` x `TILE_PX` normal numbers, mean 0, standard deviation 1, smooth over `grainPx` (full width at
 * half maximum of a grain) along a row and `grainHeight` times that across rows, row-major.
 */
export function speckleTile(seed: number, grainPx: number, grainHeight = 1): Float32Array {
  const [width, height] = [grainPx, grainPx * grainHeight];
  if (Math.min(width, height) < COARSE_GRAIN_PX) return smoothNoise(seed, TILE_PX, width, height);
  return enlarged(smoothNoise(seed, TILE_PX / COARSE, width / COARSE, height / COARSE));
}

function smoothNoise(seed: number, side: number, grainWidth: number, grainHeight: number): Float32Array {
  const table = normalTable(seed);
  const random = randomStream(mixSeeds(seed, 1));
  const white = new Float32Array(side * side);
  for (let at = 0; at < white.length; at++) white[at] = table[(random() * NORMALS) | 0] as number;
  const [along, across] = [grainKernel(grainWidth), grainKernel(grainHeight)];
  if (along.length === 1) return white;
  return smoothedAcross(smoothedAlong(white, along, side), across, side);
}

/** Enlarges a tile `COARSE` times by linear interpolation. */
function enlarged(small: Float32Array): Float32Array {
  const side = TILE_PX / COARSE;
  const tile = new Float32Array(TILE_PX * TILE_PX);
  const line = new Float32Array(side + 1);
  for (let y = 0; y < TILE_PX; y++) {
    const upper = Math.floor(y / COARSE) * side;
    const lower = (upper + side) % small.length;
    const below = (y % COARSE) / COARSE;
    for (let x = 0; x < side; x++) {
      line[x] = (1 - below) * (small[upper + x] as number) + below * (small[lower + x] as number);
    }
    line[side] = line[0] as number;
    for (let x = 0; x < TILE_PX; x++) {
      const left = Math.floor(x / COARSE);
      const beyond = (x % COARSE) / COARSE;
      tile[y * TILE_PX + x] = (1 - beyond) * (line[left] as number) + beyond * (line[left + 1] as number);
    }
  }
  return tile;
}

/** Returns weights that keep the unit variance of white noise; the grain of a smoothed field is √2 wider than its kernel. */
function grainKernel(grainPx: number): Float64Array {
  const sigma = grainPx / 2.355 / Math.SQRT2;
  const reach = Math.ceil(3 * sigma);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    sigma > 0 ? Math.exp(-0.5 * ((i - reach) / sigma) ** 2) : 1,
  );
  const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
  return weights.map((weight) => weight / norm);
}

/** Returns the circular convolution of a square along its rows. */
function smoothedAlong(field: Float32Array, kernel: Float64Array, side: number): Float32Array {
  const smoothed = new Float32Array(field.length);
  const reach = (kernel.length - 1) / 2;
  const row = new Float32Array(side + 2 * reach);
  const sums = new Float64Array(side);
  for (let start = 0; start < field.length; start += side) {
    for (let x = 0; x < row.length; x++) row[x] = field[start + ((x - reach) & (side - 1))] as number;
    sums.fill(0);
    for (let k = 0; k < kernel.length; k++) addWeighted(sums, row, k, kernel[k] as number);
    smoothed.set(sums, start);
  }
  return smoothed;
}

/** Returns the circular convolution of a square across its rows. */
function smoothedAcross(field: Float32Array, kernel: Float64Array, side: number): Float32Array {
  const smoothed = new Float32Array(field.length);
  const reach = (kernel.length - 1) / 2;
  const sums = new Float64Array(side);
  for (let y = 0; y < side; y++) {
    sums.fill(0);
    for (let k = 0; k < kernel.length; k++) {
      addWeighted(sums, field, ((y + k - reach) & (side - 1)) * side, kernel[k] as number);
    }
    smoothed.set(sums, y * side);
  }
  return smoothed;
}

/** Adds the values from `start` on, multiplied by `weight`, to the sums. */
function addWeighted(sums: Float64Array, values: Float32Array, start: number, weight: number): void {
  for (let x = 0; x < sums.length; x++) sums[x] = (sums[x] as number) + weight * (values[start + x] as number);
}
