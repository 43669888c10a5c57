// Simulates the image sensor: speckle of the coherent light, shot noise, read noise, the camera's processor, and rounding to
// integers. Everything is in counts until the last step.
import { develop, type Processing } from "./develop.ts";
import { mixSeeds, NORMALS, normalTable, randomStream, speckleTile, TILE_PX } from "./noise.ts";

export interface NoiseSettings {
  /** Standard deviation of the speckle relative to the light. */
  readonly speckle: number;
  /** Share of the speckle's standard deviation that is new in every picture; the rest moves with the chip. */
  readonly freshShare: number;
  /** Full width at half maximum of a speckle grain, px. */
  readonly grainPx: number;
  /** Ratio of height to width of a grain. */
  readonly grainHeight: number;
  /** Coarse unevenness that moves with the chip, like speckle: standard deviation relative to the light, and its grain, px. */
  readonly mottle: { readonly contrast: number; readonly grainPx: number };
  /** Standard deviation of the read noise, counts. */
  readonly readCounts: number;
  /** Determines the shot noise; Infinity for none. */
  readonly electronsPerCount: number;
  /** Width of a grain of shot and read noise, px, which a colour mosaic causes; 0 if pixels are independent. */
  readonly noiseGrainPx: number;
}

interface SensorFormat {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 8 | 16;
  /** Counts of a pixel without light. */
  readonly pedestal: number;
  readonly mostCounts: number;
  /** Number of steps of a pixel value per count. */
  readonly stepsPerCount: number;
  readonly processing?: Processing | undefined;
}

/** Replaces the tile's speckle in some pixels of row y: light relative to the light without speckle. */
export type PaintSpeckle = (speckle: Float32Array, y: number) => void;

export class Sensor {
  private readonly format: SensorFormat;
  private readonly noise: NoiseSettings;
  private readonly normals: Float32Array;
  private readonly tile: Float32Array;
  private readonly mottle: Float32Array;
  private readonly grainy: Float32Array;
  private readonly row: Float32Array;
  private readonly speckle: Float32Array;
  /** The whole picture, for a camera with its own processor. */
  private readonly plane: Float32Array | undefined;

  constructor(format: SensorFormat, noise: NoiseSettings, seed: number) {
    this.format = format;
    this.noise = noise;
    this.normals = normalTable(mixSeeds(seed, 3));
    this.tile =
      noise.speckle > 0 ? speckleTile(mixSeeds(seed, 4), noise.grainPx, noise.grainHeight) : new Float32Array(0);
    const { mottle, noiseGrainPx } = noise;
    this.mottle = mottle.contrast > 0 ? speckleTile(mixSeeds(seed, 5), mottle.grainPx) : new Float32Array(0);
    this.grainy = noiseGrainPx > 0 ? speckleTile(mixSeeds(seed, 6), noiseGrainPx) : new Float32Array(0);
    this.row = new Float32Array(format.width);
    this.speckle = new Float32Array(format.width);
    this.plane = format.processing === undefined ? undefined : new Float32Array(format.width * format.height);
  }

  /**
   * Takes one picture. `draw(row, y)` fills a row with light above the pedestal; `movement` is the movement of the chip and its
   * speckle in the picture (px); `seed` determines the noise.
   */
  expose(
    seed: number,
    movement: { readonly x: number; readonly y: number },
    draw: (row: Float32Array, y: number) => void,
    paint?: PaintSpeckle,
  ): Uint8Array | Uint16Array {
    const { width, height, bitDepth, processing } = this.format;
    const pixels = bitDepth === 8 ? new Uint8Array(width * height) : new Uint16Array(width * height);
    const random = randomStream(seed);
    const freshX = Math.floor(random() * TILE_PX);
    const freshY = Math.floor(random() * TILE_PX);
    const { speckle: scale, freshShare: fresh, mottle } = this.noise;
    const place = (): number => (this.grainy.length > 0 ? Math.floor(random() * TILE_PX) : 0);
    const [noiseX, noiseY] = [place(), place()];
    for (let y = 0; y < height; y++) {
      draw(this.row, y);
      if (scale > 0 || mottle.contrast > 0 || paint !== undefined) {
        const { speckle } = this;
        const [left, up] = [-movement.x, y - movement.y];
        speckle.fill(1);
        if (scale > 0) addTile(speckle, this.tile, left, up, scale * Math.sqrt(1 - fresh * fresh));
        if (mottle.contrast > 0) addTile(speckle, this.mottle, left, up, mottle.contrast);
        paint?.(speckle, y);
        if (scale > 0 && fresh > 0) addTile(speckle, this.tile, freshX, y + freshY, scale * fresh);
        for (let x = 0; x < width; x++) {
          this.row[x] = (this.row[x] as number) * Math.max(0, speckle[x] as number);
        }
      }
      if (this.grainy.length > 0) this.addGrainyNoise(noiseX, y + noiseY);
      else this.addNoise(random);
      if (this.plane === undefined) this.digitise(this.row, pixels, y * width);
      // Values below black are lost before the processor gets them.
      else
        this.plane.set(
          this.row.map((value) => Math.max(0, value)),
          y * width,
        );
    }
    if (this.plane !== undefined && processing !== undefined) {
      develop({ values: this.plane, width, height }, processing);
      this.digitise(this.plane, pixels, 0);
    }
    return pixels;
  }

  /** Converts the row's light to counts, with shot and read noise. */
  private addNoise(random: () => number): void {
    const { row, normals } = this;
    const { pedestal } = this.format;
    const read = this.noise.readCounts ** 2;
    const shot = 1 / this.noise.electronsPerCount;
    // An odd step through a table whose length is a power of two gives a different sequence for every row.
    let at = Math.floor(random() * NORMALS);
    const stride = 2 * Math.floor((random() * NORMALS) / 2) + 1;
    for (let x = 0; x < row.length; x++) {
      const light = row[x] as number;
      row[x] = pedestal + light + Math.sqrt(read + light * shot) * (normals[at] as number);
      at = (at + stride) & (NORMALS - 1);
    }
  }

  /** Does the same for noise with a grain: reads from (left, y) of its tile on. */
  private addGrainyNoise(left: number, y: number): void {
    const { row, speckle: noise } = this;
    const { pedestal } = this.format;
    const read = this.noise.readCounts ** 2;
    const shot = 1 / this.noise.electronsPerCount;
    noise.fill(0);
    addTile(noise, this.grainy, left, y, 1);
    for (let x = 0; x < row.length; x++) {
      const light = row[x] as number;
      row[x] = pedestal + light + Math.sqrt(read + light * shot) * (noise[x] as number);
    }
  }

  /** Rounds counts to integer steps within the range of the pixels. */
  private digitise(counts: Float32Array, pixels: Uint8Array | Uint16Array, start: number): void {
    const { mostCounts, stepsPerCount: steps } = this.format;
    const top = mostCounts * steps;
    for (let x = 0; x < counts.length; x++) {
      const step = (counts[x] as number) * steps + 0.5;
      pixels[start + x] = step < 0 ? 0 : step > top ? top : step;
    }
  }
}

/** Adds one line of a tile, read from (left, y) on, interpolated for fractional positions. */
function addTile(to: Float32Array, tile: Float32Array, left: number, y: number, scale: number): void {
  const mask = TILE_PX - 1;
  const [x0, y0] = [Math.floor(left), Math.floor(y)];
  const [fx, fy] = [left - x0, y - y0];
  const upper = (y0 & mask) * TILE_PX;
  const lower = ((y0 + 1) & mask) * TILE_PX;
  if (fx === 0 && fy === 0) {
    for (let x = 0; x < to.length; x++) {
      to[x] = (to[x] as number) + scale * (tile[upper + ((x + x0) & mask)] as number);
    }
    return;
  }
  let before = blend(tile, upper, lower, x0 & mask, fy);
  for (let x = 0; x < to.length; x++) {
    const after = blend(tile, upper, lower, (x + x0 + 1) & mask, fy);
    to[x] = (to[x] as number) + scale * (before + (after - before) * fx);
    before = after;
  }
}

function blend(tile: Float32Array, upper: number, lower: number, x: number, fraction: number): number {
  const above = tile[upper + x] as number;
  return above + ((tile[lower + x] as number) - above) * fraction;
}
