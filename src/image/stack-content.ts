// Computes checksums of the pages of a file, to tell a file that has grown from one that was rewritten: a program that appends
// pages also changes bytes outside of them.
import { crc32 } from "node:zlib";
import type { NamedFile } from "../system/confined-file.ts";
import { shownFile, withPictureFile } from "./read-picture.ts";
import { type ByteSource, sourceOfFile } from "./tiff/byte-source.ts";
import { shapeOf } from "./tiff/page-file.ts";
import type { TiffPage, TiffSeries } from "./tiff/series.ts";
import { knownSeries } from "./tiff/series-cache.ts";
import { withUnpackedStack } from "./unpacked-stack.ts";

/** Number of leading pages of a file, and the checksum of their samples as stored. */
export interface FirstPages {
  readonly count: number;
  readonly crc32: number;
}

export interface StackContent {
  /** All complete pages. */
  readonly all: FirstPages;
  /** The requested number of leading pages; undefined if the file has fewer. */
  readonly first: FirstPages | undefined;
}

const PIECE = 2 ** 20;

/**
 * Computes the checksum of the pages of a file, reading it in pieces. `first`: also compute the checksum of this number of
 * leading pages. Returns undefined for a file that is not a stack, or if a page in the middle cannot be read. `progress` is
 * called from time to time. Failures as listPages.
 */
export async function stackContent(
  file: NamedFile,
  first?: number,
  progress: () => void = () => undefined,
): Promise<StackContent | undefined> {
  const where = shownFile(file);
  const contentOf = async (source: ByteSource, series: TiffSeries): Promise<StackContent | undefined> => {
    const piece = Buffer.allocUnsafeSlow(PIECE);
    let checksum = 0;
    let ofFirst: FirstPages | undefined;
    for (const [at, page] of series.pages.entries()) {
      if (page.index !== at) return undefined;
      checksum = await withPage(source, series, page, { checksum, piece, where });
      if (at + 1 === first) ofFirst = { count: first, crc32: checksum };
      progress();
    }
    const count = series.pages.length;
    return count === 0 ? undefined : { all: { count, crc32: checksum }, first: ofFirst };
  };
  return withPictureFile(file, async (opened) => {
    const source = sourceOfFile(opened.handle, opened.bytes);
    const status = await opened.handle.stat({ bigint: true });
    const series = await knownSeries(status, source, opened.path);
    if (series !== undefined) return contentOf(source, series);
    return withUnpackedStack(opened, status, where, async (stack) =>
      stack.series === undefined ? undefined : contentOf(stack.source, stack.series),
    );
  });
}

interface Checked {
  /** Checksum of the previous pages. */
  readonly checksum: number;
  /** Buffer to read into. */
  readonly piece: Buffer;
  readonly where: string;
}

/** Adds one page to the checksum. The page's offset in the file does not matter. */
async function withPage(source: ByteSource, { layout }: TiffSeries, page: TiffPage, checked: Checked): Promise<number> {
  const { piece, where } = checked;
  const { shape, places } = await shapeOf(source, layout, page, where);
  let checksum = crc32(`${page.width} ${page.height} ${page.bits}`, checked.checksum);
  for (const [strip, place] of places.entries()) {
    const end = place + page.shift + (shape.sizes[strip] ?? 0);
    for (let at = place + page.shift; at < end; ) {
      const read = await source.read(piece.subarray(0, Math.min(PIECE, end - at)), at);
      if (read === 0) break;
      checksum = crc32(piece.subarray(0, read), checksum);
      at += read;
    }
  }
  return checksum;
}
