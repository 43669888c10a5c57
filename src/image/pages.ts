// Lists the pictures in a file. A picture of a stack is named by the file and its page, counted from 0.
import { basename, dirname } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { type PagePlace, placesOf } from "./axes.ts";
import { isBmp } from "./bmp.ts";
import { notRead } from "./foreign-kinds.ts";
import { formatOf } from "./format.ts";
import { headerSize } from "./header-size.ts";
import { readPicture, shownFile, withPictureFile } from "./read-picture.ts";
import { type ByteSource, sourceOfFile } from "./tiff/byte-source.ts";
import type { TiffSeries } from "./tiff/series.ts";
import { knownSeries } from "./tiff/series-cache.ts";
import { isPacked, unpacked } from "./unpack.ts";
import { withUnpackedStack } from "./unpacked-stack.ts";

/** One picture of a file. The axes count from 0, as the file describes them; without a description all pages are in `time`. */
export interface PageInfo extends PagePlace {
  readonly index: number;
  readonly width: number;
  readonly height: number;
  /** Bits per sample as stored. */
  readonly bits: number;
}

/**
 * The pictures of a file, one line for each part that is left out (cut off, or of an unsupported kind), and one for each other
 * message.
 */
export interface PictureSeries {
  readonly pages: readonly PageInfo[];
  readonly leftOut: readonly string[];
  readonly notes: readonly string[];
  /** Whether the file or its name states channels, planes or positions. */
  readonly isPlaced: boolean;
}

/**
 * Lists the pictures of a file from its directories alone, without reading or checking pixels. A file with a single picture has
 * one page. Failures as decodePicture: `frame.missing`; `frame.unreadable` for a file that is not a picture.
 */
export async function listPages(file: string | NamedFile): Promise<PictureSeries> {
  const where = shownFile(file);
  const found = await withPictureFile(file, async (opened) => {
    const source = sourceOfFile(opened.handle, opened.bytes);
    const status = await opened.handle.stat({ bigint: true });
    const series = await knownSeries(status, source, opened.path);
    if (series !== undefined) return seriesOf(file, source, series);
    return withUnpackedStack(opened, status, where, async (stack) =>
      stack.series === undefined ? undefined : seriesOf(file, stack.source, stack.series),
    );
  });
  if (found !== undefined) return found;
  const { bytes } = await readPicture(file, where, undefined);
  const plain = isPacked(bytes) ? await unpacked(bytes, where) : bytes;
  const size = await headerSize(plain);
  if (size === undefined) {
    if (formatOf(plain) === undefined && !isBmp(plain)) throw notRead(plain, where);
    throw new Failure("frame.unreadable", `${where}: the header of the image is damaged or incomplete`, {
      hint: "the file was not written or copied completely; copy it again",
    });
  }
  const page = { index: 0, width: size.width, height: size.height, bits: 8 * size.bytesPerSample };
  return { pages: [{ ...page, channel: 0, z: 0, position: 0, time: 0 }], leftOut: [], notes: [], isPlaced: false };
}

async function seriesOf(file: string | NamedFile, source: ByteSource, series: TiffSeries): Promise<PictureSeries> {
  const named = typeof file === "string" ? { directory: dirname(file), path: basename(file), followLinks: true } : file;
  const { places, leftOut, notes } = await placesOf(named, source, series);
  const pages = series.pages.map(({ index, width, height, bits }) => {
    const place = places.get(index) ?? { channel: 0, z: 0, position: 0, time: index };
    return { index, width, height, bits, ...place };
  });
  return {
    pages,
    leftOut: [...series.leftOut, ...leftOut],
    notes: [...series.notes, ...notes],
    isPlaced: places.size > 0,
  };
}
