// The simulated image sensor: speckle of the coherent light, shot noise, read noise, and the step to whole counts.
// Everything is in 8-bit counts until the last step; 16-bit pictures hold 257 steps per 8-bit count.
import { mixSeeds, NORMALS, normalTable, randomStream, speckleTile, TILE_PX } from "./noise.ts";

export interface NoiseSettings {
  /** Standard deviation of the speckle over the light. */
  readonly speckle: number;
  /** Share of the speckle's standard deviation that is new in every picture; the rest moves with the chip. */
  readonly freshShare: number;
  /** Full width at half maximum of a speckle grain, px. */
  readonly grainPx: number;
  /** Standard deviation of the read noise, counts. */
  readonly readCounts: number;
  /** Sets the shot noise; Infinity for none. */
  readonly electronsPerCount: number;
}

interface SensorFormat {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 8 | 16;
  /** Counts of a pixel without light. */
  readonly pedestal: number;
}

const STEPS_PER_COUNT = { 8: 1, 16: 257 } as const;

export class Sensor {
  private readonly format: SensorFormat;
  private readonly noise: NoiseSettings;
  private readonly normals: Float32Array;
  private readonly tile: Float32Array;
  private readonly row: Float32Array;
  private readonly speckle: Float32Array;

  constructor(format: SensorFormat, noise: NoiseSettings, seed: number) {
    this.format = format;
    this.noise = noise;
    this.normals = normalTable(mixSeeds(seed, 3));
    this.tile = noise.speckle > 0 ? speckleTile(mixSeeds(seed, 4), noise.grainPx) : new Float32Array(0);
    this.row = new Float32Array(format.width);
    this.speckle = new Float32Array(format.width);
  }

  /**
   * One picture. `draw(row, y)` fills a row with light over the pedestal; `movement` is how far (px) the chip, and the
   * speckle with it, has moved in the picture; `seed` chooses the noise.
   */
  expose(
    seed: number,
    movement: { readonly x: number; readonly y: number },
    draw: (row: Float32Array, y: number) => void,
  ): Uint8Array | Uint16Array {
    const { width, height, bitDepth } = this.format;
    const pixels = bitDepth === 8 ? new Uint8Array(width * height) : new Uint16Array(width * height);
    const random = randomStream(seed);
    const freshX = Math.floor(random() * TILE_PX);
    const freshY = Math.floor(random() * TILE_PX);
    const scale = this.noise.speckle;
    const fresh = this.noise.freshShare;
    for (let y = 0; y < height; y++) {
      draw(this.row, y);
      if (scale > 0) {
        this.speckle.fill(1);
        this.addSpeckle(-movement.x, y - movement.y, scale * Math.sqrt(1 - fresh * fresh));
        if (fresh > 0) this.addSpeckle(freshX, y + freshY, scale * fresh);
        for (let x = 0; x < width; x++) {
          this.row[x] = (this.row[x] as number) * Math.max(0, this.speckle[x] as number);
        }
      }
      this.digitise(pixels, y * width, random);
    }
    return pixels;
  }

  /** Adds one line of the speckle tile, read from (left, y) on, in between pixels where these are not whole. */
  private addSpeckle(left: number, y: number, scale: number): void {
    const { tile, speckle } = this;
    const mask = TILE_PX - 1;
    const [x0, y0] = [Math.floor(left), Math.floor(y)];
    const [fx, fy] = [left - x0, y - y0];
    const upper = (y0 & mask) * TILE_PX;
    const lower = ((y0 + 1) & mask) * TILE_PX;
    if (fx === 0 && fy === 0) {
      for (let x = 0; x < speckle.length; x++) {
        speckle[x] = (speckle[x] as number) + scale * (tile[upper + ((x + x0) & mask)] as number);
      }
      return;
    }
    let before = blend(tile, upper, lower, x0 & mask, fy);
    for (let x = 0; x < speckle.length; x++) {
      const after = blend(tile, upper, lower, (x + x0 + 1) & mask, fy);
      speckle[x] = (speckle[x] as number) + scale * (before + (after - before) * fx);
      before = after;
    }
  }

  /** Adds shot and read noise and rounds to whole steps, within the range of the pixels. */
  private digitise(pixels: Uint8Array | Uint16Array, start: number, random: () => number): void {
    const { row, normals } = this;
    const { pedestal, bitDepth } = this.format;
    const steps = STEPS_PER_COUNT[bitDepth];
    const top = 255 * steps;
    const read = this.noise.readCounts ** 2;
    const shot = 1 / this.noise.electronsPerCount;
    // An odd step through a table whose length is a power of two: another sequence for every row.
    let at = Math.floor(random() * NORMALS);
    const stride = 2 * Math.floor((random() * NORMALS) / 2) + 1;
    for (let x = 0; x < row.length; x++) {
      const light = row[x] as number;
      const value = pedestal + light + Math.sqrt(read + light * shot) * (normals[at] as number);
      at = (at + stride) & (NORMALS - 1);
      const step = value * steps + 0.5;
      pixels[start + x] = step < 0 ? 0 : step > top ? top : step;
    }
  }
}

function blend(tile: Float32Array, upper: number, lower: number, x: number, fraction: number): number {
  const above = tile[upper + x] as number;
  return above + ((tile[lower + x] as number) - above) * fraction;
}
