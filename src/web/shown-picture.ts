// A picture prepared for display: reduced to 8 bits, with statistics of its values, and as tiles at several resolutions. Runs
// in the process that decodes pictures for the page.
import { Failure } from "../failure/failure.ts";
import { depthBefore, depthOf } from "../image/bit-depth.ts";
import { focusOf } from "../image/focus.ts";
import { imageLibrary } from "../image/library.ts";
import { checkSize, type PictureSize } from "../image/memory.ts";
import type { Picture } from "../image/picture.ts";
import { decodeReduced, type ReducedPicture } from "../image/reduce.ts";
import type { SizeCheck } from "../image/unpack.ts";
import type { Roi } from "../measurement/roi.ts";
import type { PictureFile, PictureView } from "./picture-jobs.ts";
import { meanRow } from "./profile.ts";

const TILE_PX = 512;
const JPEG_QUALITY = 88;
/** Number of pixels that the focus is computed from. */
const FOCUS_SAMPLES = 4_000_000;
/** Larger pictures are shown reduced. This is half as much again as the largest camera we know (64 megapixels). */
const MOST_SHOWN_PIXELS = 100_000_000;

export class ShownPicture {
  readonly key: string;
  readonly view: PictureView;
  /** The decoded picture, if it is still needed. */
  readonly decoded: Picture | undefined;
  readonly #shown: Uint8Array;
  /** Width of `#shown`, which may be smaller than the picture by `#scale`. */
  readonly #width: number;
  readonly #height: number;
  readonly #scale: number;

  private constructor(
    key: string,
    { picture, width, height, scale }: ReducedPicture,
    keepsDecoded: boolean,
    bits: number,
  ) {
    const { shown, ...values } = levels(picture, bits);
    this.key = key;
    this.decoded = keepsDecoded && scale === 1 ? picture : undefined;
    this.#shown = shown;
    this.#width = picture.width;
    this.#height = picture.height;
    this.#scale = scale;
    this.view = {
      width,
      height,
      bitDepth: picture.bitDepth,
      ...values,
      tilePx: TILE_PX,
      levels: 1 + Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / TILE_PX))),
    };
  }

  /**
   * Decodes the picture, and keeps the decoded pixels if requested; then a picture that is too large is refused by its header.
   * Throws a Failure as decodePicture does.
   */
  static async read(
    { key, file, where, bits = 0 }: PictureFile,
    { keepsDecoded = false, mostPixels = MOST_SHOWN_PIXELS } = {},
  ): Promise<ShownPicture> {
    const check: SizeCheck = (size, name) => {
      checkSize(size, name);
      if (keepsDecoded && size.width * size.height > mostPixels) throw tooLarge(size, name, mostPixels);
    };
    const picture = await decodeReduced(file, where, mostPixels, check);
    return new ShownPicture(key, picture, keepsDecoded, bits);
  }

  /**
   * Returns a tile as JPEG; undefined if the picture has no such tile. If the picture is shown reduced, fine tiles are blurred.
   */
  async tile(level: number, column: number, row: number): Promise<Uint8Array | undefined> {
    const { width, height } = this.view;
    const scale = this.#scale;
    const side = TILE_PX * 2 ** level;
    const [left, top] = [column * side, row * side];
    if (level >= this.view.levels || left >= width || top >= height) return undefined;
    const size = { width: Math.min(side, width - left), height: Math.min(side, height - top) };
    const [x, y] = [Math.floor(left / scale), Math.floor(top / scale)];
    const area = {
      left: x,
      top: y,
      width: Math.min(Math.ceil(size.width / scale), this.#width - x),
      height: Math.min(Math.ceil(size.height / scale), this.#height - y),
    };
    const raw = { width: this.#width, height: this.#height, channels: 1 } as const;
    const sharp = await imageLibrary();
    return sharp(this.#shown, { raw, limitInputPixels: false })
      .extract(area)
      .resize(Math.ceil(size.width / 2 ** level), Math.ceil(size.height / 2 ** level), {
        fit: "fill",
        kernel: "linear",
      })
      .jpeg({ quality: JPEG_QUALITY })
      .toBuffer();
  }

  /**
   * Returns the mean of the rows of an ROI, in 8-bit counts. Throws Failure `frame.unreadable` if the picture is shown reduced.
   */
  profile(roi: Roi, imageAngle: number): Float64Array {
    if (this.#scale !== 1) {
      throw new Failure("frame.unreadable", "the last frame is too large for profiles", {
        hint: `profiles need at most ${MOST_SHOWN_PIXELS / 1e6} megapixels; measuring is not affected`,
      });
    }
    return meanRow(this.#shown, this.view, roi, imageAngle);
  }
}

function tooLarge({ width, height }: PictureSize, where: string, mostPixels: number): Failure {
  return new Failure("frame.unreadable", `${where}: ${width} × ${height} pixels are too many for finding the chip`, {
    hint: `the limit is ${mostPixels / 1e6} megapixels; crop the image to the chip`,
  });
}

/** Converts to 8 bits (16 bits are stretched to the picture's own range), and computes statistics of the values. */
function levels(picture: Picture, bits: number) {
  const { pixels, bitDepth } = picture;
  const { saturation, full } = depthOf(picture, depthBefore(bits));
  const counts = new Uint32Array(2 ** bitDepth);
  for (let at = 0; at < pixels.length; at += 1) {
    const value = pixels[at] as number;
    counts[value] = (counts[value] as number) + 1;
  }
  const histogram = new Array<number>(256).fill(0);
  let [low, high, sum, cut] = [Number.POSITIVE_INFINITY, 0, 0, 0];
  for (const [value, count] of counts.entries()) {
    if (count === 0) continue;
    const bin = Math.min(255, Math.floor((value * 256) / (full + 1)));
    histogram[bin] = (histogram[bin] as number) + count;
    sum += value * count;
    if (value >= saturation) cut += count;
    low = Math.min(low, value);
    high = value;
  }
  return {
    shown: pixels instanceof Uint8Array ? pixels : stretched(pixels, low, high),
    histogram,
    saturated: cut / pixels.length,
    brightness: Math.min(1, sum / pixels.length / full),
    focus: focusOf(picture, full, Math.max(1, Math.ceil(pixels.length / FOCUS_SAMPLES))),
  };
}

/** Uses a table: a function call for each of 64 million pixels takes seconds. */
function stretched(pixels: Uint16Array, low: number, high: number): Uint8Array {
  const scale = 255 / Math.max(1, high - low);
  const table = new Uint8Array(2 ** 16);
  for (let value = low; value <= high; value += 1) table[value] = Math.round((value - low) * scale);
  const shown = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 1) shown[at] = table[pixels[at] as number] as number;
  return shown;
}
