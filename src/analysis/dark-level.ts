// Finds the value of a pixel that gets no light: the camera's black level or pedestal. If it is known, tracking can separate
// light from the pedestal, and corrects gradients of the light across an ROI.
import { Failure } from "../failure/failure.ts";
import { depthOf } from "../image/bit-depth.ts";
import { decodePicture } from "../image/decode.ts";
import type { Picture } from "../image/picture.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import { medianOf } from "../measurement/statistics.ts";
import { roiMask } from "./drift.ts";

/** Counts of the stored picture, or "auto": the darkest places of each picture outside the ROIs. */
export type DarkLevel = number | "auto";

/**
 * Side of the squares whose means are compared, px: the noise of a mean is a sixteenth of a pixel's, and the squares fit into
 * margins.
 */
const BLOCK_PX = 16;
/** Number of evenly spaced squares of a picture that are sampled. */
const MOST_BLOCKS = 16_384;
/** Share of the squares, the darkest ones, whose mean is the dark level. */
const DARKEST = 0.01;
/** Maximum variation of a dark picture across the picture, and its maximum level, as shares of the full scale. */
const MOST_SPREAD = 0.02;
const MOST_LEVEL = 0.25;
const USUAL_BITS = 12;

/** The properties of a picture without light, in its counts. */
export interface DarkPicture {
  /** Median of the means of squares. */
  readonly level: number;
  /** Range from the 1st to the 99th percentile of those means. */
  readonly spread: number;
}

/**
 * Returns the level of the darkest places of a picture outside all ROIs, counts: the mean of the darkest hundredth of squares
 * of 16 px. Undefined if no square is free of ROIs. Light that covers the whole picture cannot be distinguished from darkness.
 */
export function darkestLevel(picture: Picture, rois: RoiManifest): number | undefined {
  const blocked = roiMask(picture, rois);
  const means = blockMeans(picture, (x, y) => blocked(x, y, BLOCK_PX / 2));
  const darkest = means.sort().subarray(0, Math.ceil(DARKEST * means.length));
  return darkest.length === 0 ? undefined : darkest.reduce((sum, mean) => sum + mean, 0) / darkest.length;
}

/** Tolerance for noise: a level may exceed the darkest places by this share and this many counts. */
const TOLERANCE = { share: 0.02, counts: 1 } as const;

/** The dark level that a picture is measured with, counts; empty if it is unknown, or if the configured value is impossible. */
export interface UsedDarkLevel {
  readonly darkLevel?: number;
  /** Level of the darkest places, if they are darker than the configured level. */
  readonly refusedBy?: number;
}

/** Returns the dark level of a picture. A level above the darkest places is wrong and would scale shifts. */
export function darkLevelFor(picture: Picture, rois: RoiManifest, wanted: DarkLevel | undefined): UsedDarkLevel {
  if (wanted === undefined) return {};
  const darkest = darkestLevel(picture, rois);
  if (wanted === "auto") return darkest === undefined ? {} : { darkLevel: darkest };
  const isWrong = darkest !== undefined && wanted > (1 + TOLERANCE.share) * darkest + TOLERANCE.counts;
  return isWrong ? { refusedBy: darkest } : { darkLevel: wanted };
}

/** Returns a message about a picture whose darkest places are darker than the dark level; undefined if there is none. */
export function refusedLevelText(darkest: number | undefined): string | undefined {
  if (darkest === undefined) return undefined;
  return `parts of the image are darker (${darkest.toFixed(1)} counts) than Camera.dark_level, which was not used; measure it again`;
}

/**
 * Returns the level of a picture taken without light. Throws Failure `frame.unreadable` if it is too bright or too uneven;
 * `where` names it. `bits`: bit depth of the camera in 16-bit pictures, 0 if unknown.
 */
export function levelOfDarkPicture(picture: Picture, where: string, bits: number): DarkPicture {
  const full = fullScale(picture, bits);
  const means = blockMeans(picture, () => false).sort();
  const quantile = (share: number) => means[Math.round(share * (means.length - 1))] as number;
  const level = means.length === 0 ? medianOf(Float64Array.from(picture.pixels)) : quantile(0.5);
  const spread = means.length === 0 ? 0 : quantile(0.99) - quantile(0.01);
  const shown = `${where}: not a dark image`;
  const hint = "switch off the lamp or cover the camera, and capture again with `phorest capture --dark`";
  if (level > MOST_LEVEL * full) {
    throw new Failure("frame.unreadable", `${shown}: its level of ${level.toFixed(1)} is above a quarter of ${full}`, {
      hint,
    });
  }
  if (spread > Math.max(1, MOST_SPREAD * full)) {
    const places = `it varies by ${spread.toFixed(1)} counts`;
    throw new Failure("frame.unreadable", `${shown}: light reaches parts of it (${places})`, { hint });
  }
  return { level, spread };
}

/**
 * Reads `Camera.dark_level`: a number or "auto" as it is, any other text as the path of a dark picture. Throws Failure
 * `config.invalid` if that cannot be read or is not dark.
 */
export async function readDarkLevel(
  setting: number | string | undefined,
  bits: number,
): Promise<DarkLevel | undefined> {
  if (setting === undefined || typeof setting === "number" || setting === "auto") return setting;
  try {
    return levelOfDarkPicture(await decodePicture(setting), setting, bits).level;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, hint = 'use counts, "auto" or the image of `phorest capture --dark`' } = error;
    throw new Failure("config.invalid", `dark level: ${message}`, { hint, cause: error });
  }
}

/**
 * Returns the full scale of a picture without light, which itself does not show where the scale ends: that of `bits`; if
 * unknown (0), that of a usual camera: 12 bits, or as many as the largest value needs.
 */
function fullScale(picture: Picture, bits: number): number {
  if (picture.bitDepth === 8) return 255;
  const { shift, largest } = depthOf(picture);
  const needed = Math.ceil(Math.log2((largest >> shift) + 1));
  const used = bits > 0 ? bits : Math.max(USUAL_BITS, needed);
  return (2 ** used - 1) * 2 ** Math.max(0, Math.min(shift, 16 - used));
}

/** Returns the means of evenly spaced squares of the picture, except those whose centre `isLeftOut`. */
function blockMeans(picture: Picture, isLeftOut: (x: number, y: number) => boolean): Float64Array {
  const { width, height } = picture;
  const [columns, rows] = [Math.floor(width / BLOCK_PX), Math.floor(height / BLOCK_PX)];
  const step = Math.max(1, Math.ceil(Math.sqrt((columns * rows) / MOST_BLOCKS)));
  const means: number[] = [];
  for (let row = 0; row < rows; row += step) {
    for (let column = 0; column < columns; column += step) {
      const [x, y] = [column * BLOCK_PX, row * BLOCK_PX];
      if (!isLeftOut(x + BLOCK_PX / 2, y + BLOCK_PX / 2)) means.push(blockMean(picture, x, y));
    }
  }
  return Float64Array.from(means);
}

function blockMean({ pixels, width }: Picture, x: number, y: number): number {
  let sum = 0;
  for (let row = y; row < y + BLOCK_PX; row++) {
    const start = row * width + x;
    for (let at = start; at < start + BLOCK_PX; at++) sum += pixels[at] as number;
  }
  return sum / BLOCK_PX ** 2;
}
