// The last frame for people: decoded once, served as tiles of downsampled levels, so that 64 megapixels cost the browser no
// more than what its window shows. One picture and a bounded number of tiles are kept.
import sharp from "sharp";
import { decodePicture } from "../analysis/decode.ts";
import type { Picture } from "../analysis/picture.ts";
import type { NamedFile } from "../system/confined-file.ts";
import type { FrameView } from "./views.ts";

const TILE_PX = 512;
const MOST_TILES = 128;
const JPEG_QUALITY = 88;
/** 12-bit cameras deliver their samples in the upper bits; the analysis counts from here as cut off, too. */
const TOP_16_BIT = 4095 * 16;
/** Pixels looked at for the focus. */
const FOCUS_SAMPLES = 4_000_000;
/** Share of the time that may go into decoding: a camera faster than that is shown with gaps. */
const DECODING_SHARE = 0.25;

/** A picture on the disk. `where` names it in what is wrong with it. */
export interface ShownPicture {
  readonly entryId: number;
  readonly capturedAtUs: number;
  readonly filename: string;
  readonly file: NamedFile;
  readonly where?: string;
}

export interface LoadedFrame {
  readonly entryId: number;
  readonly picture: Picture;
  /** The picture in 8 bits, as it is shown. */
  readonly shown: Uint8Array;
  readonly view: FrameView;
}

export class Frames {
  #loaded: LoadedFrame | undefined;
  #loading: { readonly entryId: number; readonly frame: Promise<LoadedFrame> } | undefined;
  #restUntilMs = 0;
  readonly #tiles = new Map<string, Promise<Buffer>>();

  /**
   * The picture of `entry`, or the one before it while decoding takes more than its share of the time. Throws a Failure
   * when there is no picture or it cannot be read.
   */
  async load(entry: ShownPicture): Promise<LoadedFrame> {
    if (this.#loaded?.entryId === entry.entryId) return this.#loaded;
    if (this.#loading !== undefined) return this.#loading.frame;
    if (this.#loaded !== undefined && performance.now() < this.#restUntilMs) return this.#loaded;
    const frame = this.#decode(entry);
    this.#loading = { entryId: entry.entryId, frame };
    try {
      this.#loaded = await frame;
      this.#tiles.clear();
      return this.#loaded;
    } finally {
      this.#loading = undefined;
    }
  }

  /** Whether the frame of this entry was before the one that is loaded. */
  isPast(entryId: number): boolean {
    return this.#loaded !== undefined && entryId < this.#loaded.entryId;
  }

  /** A tile as JPEG; undefined where the picture has moved on, or has no such tile. */
  tile(entryId: number, level: number, column: number, row: number): Promise<Buffer> | undefined {
    const frame = this.#loaded;
    if (frame === undefined || frame.entryId !== entryId || level >= frame.view.levels) return undefined;
    const side = TILE_PX * 2 ** level;
    const { width, height } = frame.picture;
    const [left, top] = [column * side, row * side];
    if (left >= width || top >= height) return undefined;
    const key = `${level}/${column}/${row}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) return known;
    const area = { left, top, width: Math.min(side, width - left), height: Math.min(side, height - top) };
    const tile = sharp(frame.shown, { raw: { width, height, channels: 1 }, limitInputPixels: false })
      .extract(area)
      .resize(Math.ceil(area.width / 2 ** level), Math.ceil(area.height / 2 ** level), {
        fit: "fill",
        kernel: "linear",
      })
      .jpeg({ quality: JPEG_QUALITY })
      .toBuffer();
    this.#tiles.set(key, tile);
    const oldest = this.#tiles.size > MOST_TILES ? this.#tiles.keys().next().value : undefined;
    if (oldest !== undefined) this.#tiles.delete(oldest);
    return tile;
  }

  async #decode(entry: ShownPicture): Promise<LoadedFrame> {
    const { entryId, filename, file } = entry;
    const startedMs = performance.now();
    const picture = await decodePicture(file, entry.where);
    const { width, height, bitDepth } = picture;
    const { shown, histogram, saturated, brightness } = levels(picture);
    const frame: LoadedFrame = {
      entryId,
      picture,
      shown,
      view: {
        entryId,
        filename,
        capturedAt: entry.capturedAtUs / 1000,
        width,
        height,
        bitDepth,
        histogram,
        saturated,
        brightness,
        focus: focus(picture),
        tilePx: TILE_PX,
        levels: 1 + Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / TILE_PX))),
      },
    };
    const nowMs = performance.now();
    this.#restUntilMs = nowMs + (nowMs - startedMs) / DECODING_SHARE;
    return frame;
  }
}

/** 8 bits to show (16 bit: stretched to the picture's own range), and what the values are like. */
function levels({ pixels, bitDepth }: Picture) {
  const histogram = new Array<number>(256).fill(0);
  const top = bitDepth === 8 ? 255 : TOP_16_BIT;
  const shift = bitDepth - 8;
  let [low, high, sum, cut] = [Number.POSITIVE_INFINITY, 0, 0, 0];
  for (let at = 0; at < pixels.length; at += 1) {
    const value = pixels[at] as number;
    histogram[value >> shift] = (histogram[value >> shift] as number) + 1;
    sum += value;
    if (value >= top) cut += 1;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = 255 / Math.max(1, high - low);
  const shown =
    pixels instanceof Uint8Array ? pixels : Uint8Array.from(pixels, (value) => Math.round((value - low) * scale));
  return {
    shown,
    histogram,
    saturated: cut / pixels.length,
    brightness: sum / pixels.length / (2 ** bitDepth - 1),
  };
}

/** See FrameView.focus. */
function focus({ pixels, width, height }: Picture): number {
  const every = Math.max(1, Math.ceil(pixels.length / FOCUS_SAMPLES));
  let [squares, sum, count] = [0, 0, 0];
  for (let row = 0; row < height; row += every) {
    for (let at = row * width + 1; at < (row + 1) * width; at += 1) {
      const step = (pixels[at] as number) - (pixels[at - 1] as number);
      squares += step * step;
      sum += pixels[at] as number;
      count += 1;
    }
  }
  return sum === 0 ? 0 : Math.sqrt(squares / count) / (sum / count);
}
