// Extracts speckle from pictures of measured ROIs for the ROIs of a simulated chip. The ratio of a picture to a smooth fit is
// the effect of speckle, and of the camera, on the light.

import { decodeFailure, encodeFailure, Failure } from "../failure/failure.ts";
import { decodePicture } from "../image/decode.ts";
import type { Picture } from "../image/picture.ts";
import { pixelsWithin } from "./box-row.ts";
import type { PaintSpeckle } from "./image-sensor.ts";
import { mixSeeds, randomStream } from "./noise.ts";
import { type PlacedHalf, type Placement, picturePoint, rotation } from "./placement.ts";

/** Ratio of the light to the light without speckle; mean 1, row-major. */
export interface Texture {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Limits of a side, px: a smaller picture shows too little of a pattern, a larger one is not a single ROI. */
const SHORTEST_SIDE_PX = 16;
const LONGEST_SIDE_PX = 2048;
/** Range of the smoothing for the fit, as a share of the side: the fit follows the band's shape, but not the grains. */
const SMOOTH_SHARE = 1 / 30;
/** Minimum light of a column relative to the maximum of the fit: darker ones show the camera's noise, not speckle. */
const LEAST_LIGHT = 0.5;
/** Brightest grain, as a multiple of the mean. */
const BRIGHTEST = 4;
/** Share of pixels, the darkest, from which the value without light is estimated. */
const DARK_SHARE = 0.01;

/**
 * Reads pictures of measured ROIs, one ROI in each. `pedestal`: the camera's counts without light, if the picture has that
 * many. Throws Failure usage.invalid for a file that is not a picture, has the wrong size, or is dark.
 */
export async function loadTextures(files: readonly string[], pedestal: number): Promise<Texture[]> {
  return Promise.all(
    files.map(async (file) => {
      const picture = await decodePicture(file).catch((error: unknown) => {
        const { message, hint } = decodeFailure(encodeFailure(error));
        throw refusal(file, message, hint);
      });
      return textureOf(picture, file, pedestal);
    }),
  );
}

const HINT = "use images of real ROIs, one ROI in each";

function refusal(file: string, why: string, hint = HINT): Failure {
  return new Failure("usage.invalid", `texture ${file} cannot be used: ${why.replace(`${file}: `, "")}`, { hint });
}

/** Returns the texture of one picture; `file` names it in errors. */
function textureOf({ pixels, width, height }: Picture, file: string, pedestal: number): Texture {
  if (Math.min(width, height) < SHORTEST_SIDE_PX || Math.max(width, height) > LONGEST_SIDE_PX) {
    throw refusal(
      file,
      `it is ${width} x ${height} px, but each side must have ${SHORTEST_SIDE_PX} to ${LONGEST_SIDE_PX} px`,
    );
  }
  const sorted = pixels.slice().sort();
  const dark = Math.max(0, Math.min(pedestal, sorted[Math.floor(DARK_SHARE * sorted.length)] as number));
  const columns = new Float64Array(width);
  const rows = new Float64Array(height);
  pixels.forEach((value, at) => {
    columns[at % width] = (columns[at % width] as number) + (value - dark) / height;
    const row = Math.floor(at / width);
    rows[row] = (rows[row] as number) + (value - dark) / width;
  });
  const across = smoothed(columns);
  const down = smoothed(rows);
  const mean = down.reduce((sum, value) => sum + value, 0) / height;
  if (!(mean > 1)) throw refusal(file, "the image is dark");
  const most = Math.max(...across);
  const lit = Array.from(across.keys()).filter((x) => (across[x] as number) >= LEAST_LIGHT * most);
  const [first = 0, last = 0] = [lit[0], lit.at(-1)];
  const kept = last - first + 1;
  if (kept < SHORTEST_SIDE_PX)
    throw refusal(file, `only ${kept} columns are lit; at least ${SHORTEST_SIDE_PX} are needed`);
  const values = Float32Array.from({ length: kept * height }, (_, at) => {
    const [x, y] = [first + (at % kept), Math.floor(at / kept)];
    const fit = ((across[x] as number) * (down[y] as number)) / mean;
    return Math.min(BRIGHTEST, Math.max(0, ((pixels[y * width + x] as number) - dark) / fit));
  });
  const level = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { values: values.map((value) => value / level), width: kept, height };
}

/** Smooths with a Gaussian; at the ends with the existing part of it. */
function smoothed(values: Float64Array): Float64Array {
  const sigma = Math.max(1, SMOOTH_SHARE * values.length);
  const reach = Math.ceil(3 * sigma);
  return values.map((_, at) => {
    let [sum, weights] = [0, 0];
    for (let k = Math.max(0, at - reach); k <= Math.min(values.length - 1, at + reach); k++) {
      const weight = Math.exp(-0.5 * ((k - at) / sigma) ** 2);
      sum += weight * (values[k] as number);
      weights += weight;
    }
    return sum / weights;
  });
}

/**
 * A texture on one half. The position in the texture, px, also determines its orientation, because the texture is mirrored at
 * its ends.
 */
interface Patch {
  readonly texture: Texture;
  readonly box: PlacedHalf["box"];
  readonly x: number;
  readonly y: number;
}

/** Assigns textures to all halves of a chip, chosen and cut randomly with `seed`. */
export class Textures {
  private readonly placement: Placement;
  private readonly patches: readonly Patch[];

  constructor(textures: readonly Texture[], halves: readonly PlacedHalf[], placement: Placement, seed: number) {
    this.placement = placement;
    this.patches = halves.map(({ box }, number) => {
      const random = randomStream(mixSeeds(seed + 13, number));
      const texture = textures[Math.floor(random() * textures.length)] as Texture;
      // Over twice its size, a mirrored texture shows every part of itself in each orientation.
      const [x, y] = [Math.floor(2 * texture.width * random()), Math.floor(2 * texture.height * random())];
      return { texture, box, x, y };
    });
  }

  /**
   * Draws textures where the halves are in the picture after the chip has moved by `movement` (picture px) and `drift` (aligned
   * px).
   */
  painter(
    movement: { readonly x: number; readonly y: number },
    drift: { readonly x: number; readonly y: number },
  ): PaintSpeckle {
    const { cos, sin, centreX, centreY } = rotation(this.placement);
    const moved = this.patches.map((patch) => {
      const [left, top] = [patch.box.x + drift.x, patch.box.y + drift.y];
      const { width, height } = patch.box;
      const ys = [left, left + width].flatMap((x) =>
        [top, top + height].map((y) => picturePoint(this.placement, x, y).y),
      );
      return { ...patch, left, top, first: Math.min(...ys) - 1, last: Math.max(...ys) + 1 };
    });
    return (speckle, y) => {
      const alignedX = cos * (0.5 - centreX) - sin * (y + 0.5 - centreY) + centreX;
      const alignedY = sin * (0.5 - centreX) + cos * (y + 0.5 - centreY) + centreY;
      for (const patch of moved) {
        if (y + 1 <= patch.first || y >= patch.last) continue;
        const place = { along: alignedX - patch.left, cos, below: alignedY - patch.top, sin };
        const { first, last } = pixelsWithin(speckle.length, place, patch.box, -0.5);
        const lines = lineOf(patch.texture, patch.y + y - movement.y);
        for (let x = first; x <= last; x++) speckle[x] = lines(patch.x + x - movement.x);
      }
    };
  }
}

/** Returns the texture, mirrored at its ends, along the line y; interpolated for fractional positions. */
function lineOf({ values, width, height }: Texture, y: number): (x: number) => number {
  const top = Math.floor(y);
  const below = y - top;
  const [upper, lower] = [mirrored(top, height) * width, mirrored(top + 1, height) * width];
  const at = (x: number): number => {
    const column = mirrored(x, width);
    const value = values[upper + column] as number;
    return below === 0 ? value : value + ((values[lower + column] as number) - value) * below;
  };
  return (x) => {
    const left = Math.floor(x);
    const beyond = x - left;
    return beyond === 0 ? at(left) : at(left) + (at(left + 1) - at(left)) * beyond;
  };
}

function mirrored(place: number, length: number): number {
  const within = ((place % (2 * length)) + 2 * length) % (2 * length);
  return within < length ? within : 2 * length - 1 - within;
}
