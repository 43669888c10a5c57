// Compares images of an experiment: the difference of two, and the profiles of one ROI in several. Runs in a process that
// decodes pictures for the page.
import { checkAlike, pictureShift } from "../analysis/picture-shift.ts";
import { Failure } from "../failure/failure.ts";
import { rowProfile } from "../figures/roi-view.ts";
import { pictureDifference } from "../image/difference.ts";
import { imageLibrary } from "../image/library.ts";
import { decodeReduced } from "../image/reduce.ts";
import type { Roi } from "../measurement/roi.ts";
import type { DifferenceAnswer, PictureFile } from "./picture-jobs.ts";

/** Larger images are reduced before the comparison: two of them and their difference are in memory at once. */
const MOST_COMPARED_PIXELS = 30_000_000;
const MOST_PROFILED_PIXELS = 100_000_000;
/** Width of the drawn difference, px. */
const DRAWN_PX = 1600;

/** Throws Failure `usage.invalid` for images of different sizes, and as `decodeReduced` does. */
export async function differenceOf(a: PictureFile, b: PictureFile): Promise<DifferenceAnswer> {
  const first = await decodeReduced(a.file, a.where, MOST_COMPARED_PIXELS);
  const second = await decodeReduced(b.file, b.where, MOST_COMPARED_PIXELS);
  checkAlike(first.picture, second.picture);
  const { rgb, width, height, gain, fullScale } = pictureDifference(first.picture, second.picture);
  const moved = pictureShift(first.picture, second.picture);
  const { scale } = first;
  const sharp = await imageLibrary();
  const whole = sharp(rgb, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  const png = await (width > DRAWN_PX ? whole.resize({ width: DRAWN_PX }) : whole).png().toBuffer();
  return {
    png: Uint8Array.from(png),
    width: first.width,
    height: first.height,
    gain,
    fullScale,
    moved: moved && { ...moved, dx: moved.dx * scale, dy: moved.dy * scale, errorPx: moved.errorPx * scale },
  };
}

/**
 * Returns the mean row of an ROI in each image, in counts of that image. Throws Failure `frame.unreadable` for an image that is
 * too large.
 */
export async function profilesOf(
  pictures: readonly PictureFile[],
  roi: Roi,
  imageAngle: number,
): Promise<Float64Array[]> {
  const profiles: Float64Array[] = [];
  // One after the other: only one image is in memory at a time.
  for (const { file, where } of pictures) {
    const { picture, scale } = await decodeReduced(file, where, MOST_PROFILED_PIXELS);
    if (scale !== 1) {
      throw new Failure("frame.unreadable", `${where} is too large for profiles`, {
        hint: `profiles need at most ${MOST_PROFILED_PIXELS / 1e6} megapixels`,
      });
    }
    profiles.push(rowProfile(picture, roi, imageAngle, undefined));
  }
  return profiles;
}
