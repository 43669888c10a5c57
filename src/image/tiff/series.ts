// Lists the pictures of a TIFF file in order: the chain of its directories without thumbnails and masks, or the pictures that
// ImageJ or tifffile wrote after a single directory. Reports what is cut off at the end of the file.
import { counted } from "../../system/counted.ts";
import { isOme } from "../times/ome-xml.ts";
import type { ByteSource } from "./byte-source.ts";
import { type DescribedImages, describedImages, SHORT_DESCRIPTION } from "./described-images.ts";
import {
  fieldBytes,
  fieldNumber,
  fieldNumbers,
  type Layout,
  readDirectory,
  readHeader,
  TAG,
  type TiffDirectory,
} from "./directory.ts";
import { PHOTOMETRIC } from "./page-fields.ts";
import { type PageShape, type PlacedShape, readShape, SharedShapes } from "./page-shape.ts";

/** Bits of the page type: a smaller copy of another page, or a mask for one. */
const REDUCED = 1;
const MASK = 4;
/** The same in the older field. */
const OLD_REDUCED = 2;
/**
 * Maximum length of OME-XML that is read here. Longer documents describe more planes than programs write after one directory.
 */
const LONGEST_OME = 2 ** 24;
/** Alignment of the data that programs write, bytes. */
const ALIGNMENT = 16;

/** End of the last pixel data. */
const endOf = ({ shape, places }: PlacedShape): number =>
  places.reduce((end, place, index) => Math.max(end, place + (shape.sizes[index] ?? 0)), 0);

/** Limit for the number of pages, more than any series has. A damaged file could claim one for each of its bytes. */
export const MOST_PAGES = 2_000_000;

/** One picture of the file. */
export interface TiffPage {
  /** Its number among the pictures of the file, from 0. Pictures that are cut off are counted, too. */
  readonly index: number;
  /** Offset of its directory. */
  readonly at: number;
  /** Distance of its pixels from the offset that the directory states: not 0 in stacks with one directory. */
  readonly shift: number;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** How it is stored, and where its pixels begin; undefined if that must be read from its directory. */
  readonly shape: PageShape | undefined;
  readonly from: number;
}

export interface TiffSeries {
  readonly layout: Layout;
  /** Offset of the file's first directory. */
  readonly firstAt: number;
  readonly pages: readonly TiffPage[];
  /** Number of pictures in the file; if it is cut off, the intended number, as far as it is known. */
  readonly count: number;
  /** One line for each part of the file that is left out, with the reason. */
  readonly leftOut: readonly string[];
  /** Other messages about the file, one line each. */
  readonly notes: readonly string[];
}

/** Returns undefined if the file is not a TIFF, or if its first directory cannot be read. */
export async function readTiffSeries(source: ByteSource): Promise<TiffSeries | undefined> {
  const layout = await readHeader(source);
  if (layout === undefined) return undefined;
  const first = await readDirectory(source, layout, layout.firstAt);
  if (first === undefined) return undefined;
  const walk = new Walk(source, layout);
  await walk.follow(first);
  return walk.series(first);
}

class Walk {
  readonly #pages: TiffPage[] = [];
  readonly #leftOut: string[] = [];
  readonly #notes: string[] = [];
  readonly #source: ByteSource;
  readonly #layout: Layout;
  readonly #shapes = new SharedShapes();
  #count = 0;

  constructor(source: ByteSource, layout: Layout) {
    this.#source = source;
    this.#layout = layout;
  }

  /** Follows the chain of directories. */
  async follow(first: TiffDirectory): Promise<void> {
    const seen = new Set<number>();
    for (let directory: TiffDirectory | undefined = first; directory !== undefined; ) {
      seen.add(directory.at);
      if (await this.isPicture(directory)) await this.add(directory);
      else await this.addBelow(directory);
      const { next } = directory;
      if (next === 0 || seen.has(next) || seen.size >= MOST_PAGES) break;
      directory = await readDirectory(this.#source, this.#layout, next);
      if (directory === undefined) this.#leftOut.push(`page ${++this.#count} and all behind it: the file is cut off`);
    }
  }

  async series(first: TiffDirectory): Promise<TiffSeries> {
    // If the only picture is marked as a thumbnail, it is the picture.
    if (this.#count === 0 && this.#leftOut.length === 0) await this.add(first);
    if (this.#count === 1) await this.addBehind(first);
    const [pages, count, leftOut, notes] = [this.#pages, this.#count, this.#leftOut, this.#notes];
    return { layout: this.#layout, firstAt: first.at, pages, count, leftOut, notes };
  }

  private number(directory: TiffDirectory, tag: number, otherwise: number): Promise<number> {
    return fieldNumber(this.#source, this.#layout, directory, tag, otherwise);
  }

  private async isPicture(directory: TiffDirectory): Promise<boolean> {
    const kind = await this.number(directory, TAG.kind, 0);
    return (kind & (REDUCED | MASK)) === 0 && (await this.number(directory, TAG.oldKind, 1)) !== OLD_REDUCED;
  }

  /** Adds the full-size pictures that belong to a thumbnail. */
  private async addBelow(thumbnail: TiffDirectory): Promise<void> {
    for (const at of await fieldNumbers(this.#source, this.#layout, thumbnail, TAG.subDirectories)) {
      const directory = await readDirectory(this.#source, this.#layout, at);
      if (directory === undefined) {
        this.#leftOut.push("the picture that the thumbnail belongs to: the file is cut off");
      } else if (await this.isPicture(directory)) await this.add(directory);
    }
  }

  private async add(directory: TiffDirectory): Promise<void> {
    const index = this.#count++;
    const placed = await readShape(this.#source, this.#layout, directory);
    if (placed !== undefined && endOf(placed) > this.#source.size) {
      this.#leftOut.push(`page ${index + 1}: the file ends before the end of its pixels`);
      return;
    }
    const width = await this.number(directory, TAG.width, 0);
    const height = await this.number(directory, TAG.height, 0);
    const bits = await this.number(directory, TAG.bits, 1);
    const shape = placed === undefined ? undefined : this.#shapes.share(placed);
    const from = placed?.places[0] ?? 0;
    this.#pages.push({ index, at: directory.at, shift: 0, width, height, bits, shape, from });
    // Checked once, because all pages of a file are of one kind.
    if (this.#pages.length === 1) await this.noteSamples(directory);
  }

  /**
   * Notes that of several gray samples only the first is read. Transparency, and colours that are converted to gray, are not
   * reported as left out.
   */
  private async noteSamples(directory: TiffDirectory): Promise<void> {
    const samples = await this.number(directory, TAG.samples, 1);
    const isGray = (await this.number(directory, TAG.photometric, PHOTOMETRIC.rgb)) <= PHOTOMETRIC.blackIsZero;
    const isTransparency = samples === 2 && (await this.number(directory, TAG.extraSamples, 0)) > 0;
    if (samples < 2 || !isGray || isTransparency) return;
    const others = samples === 2 ? "sample 2 is" : `samples 2 to ${samples} are`;
    this.#notes.push(`each pixel has ${samples} gray samples; phorest measures only the first, ${others} ignored`);
  }

  /** Adds the images after a single page: some programs write a stack in this way, and state it only in the description. */
  private async addBehind(first: TiffDirectory): Promise<void> {
    const [page] = this.#pages;
    if (page === undefined || page.at !== first.at) return;
    const described = await this.described(first, page);
    if (described === undefined) return;
    const { writer, images, areBehind } = described;
    const bytes = await this.bytesOfPlane(first, page);
    const start = (await fieldNumbers(this.#source, this.#layout, first, TAG.strips))[0] ?? 0;
    if (!areBehind && (bytes === undefined || !this.isEndOfPixels(first, start + images * bytes))) {
      this.#notes.push(`${writer} describes ${counted(images, "image")}, the file has 1`);
      return;
    }
    const fit = bytes === undefined ? 1 : Math.floor((this.#source.size - start) / bytes);
    const there = Math.min(images, fit, MOST_PAGES);
    for (let index = 1; index < there; index++) this.#pages.push({ ...page, index, shift: index * (bytes ?? 0) });
    this.#count = images;
    if (there === images) return;
    const why = bytes === undefined ? `${writer}'s stacks are read only uncompressed` : "the file is cut off";
    this.#leftOut.push(`${there + 1 === images ? `page ${images}` : `pages ${there + 1} to ${images}`}: ${why}`);
  }

  private async described(first: TiffDirectory, page: TiffPage): Promise<DescribedImages | undefined> {
    const read = async (most: number) =>
      (await fieldBytes(this.#source, first, first.fields.get(TAG.description), most)).toString("latin1");
    const head = await read(SHORT_DESCRIPTION);
    const pixel = Math.max(1, await this.number(first, TAG.samples, 1));
    const text = isOme(head) ? await read(LONGEST_OME) : head;
    return describedImages(text, { page: page.width * page.height * pixel, pixel });
  }

  /**
   * Whether pixels that start at the only directory's pixel offset end here: at the end of the file, or at the description that
   * tifffile writes after them. Otherwise something else could be between the planes, such as directories that a damaged file
   * has lost.
   */
  private isEndOfPixels(first: TiffDirectory, end: number): boolean {
    const ends = [this.#source.size, first.fields.get(TAG.description)?.at ?? 0];
    return ends.some((at) => at >= end && at < end + ALIGNMENT);
  }

  /** Returns the bytes of an uncompressed, contiguous page; undefined for any other. */
  private async bytesOfPlane(directory: TiffDirectory, { width, height, bits }: TiffPage): Promise<number | undefined> {
    const samples = await this.number(directory, TAG.samples, 1);
    const bytes = Math.ceil((width * bits * samples) / 8) * height;
    const isPlain = (await this.number(directory, TAG.compression, 1)) === 1 && directory.fields.has(TAG.strips);
    return isPlain && bytes > 0 ? bytes : undefined;
  }
}
