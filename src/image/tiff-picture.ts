// Decodes TIFF files of every supported kind: the first picture, upright, and the number of pictures.
import { refuseDamagedJpeg } from "./jpeg-check.ts";
import { reserveMemory } from "./memory.ts";
import { upright } from "./orientation.ts";
import type { Picture } from "./picture.ts";
import { hasSoundBlocks } from "./tiff/block-reader.ts";
import { sourceOfBytes } from "./tiff/byte-source.ts";
import { isReadHere, type Reading, refused, refuseKind } from "./tiff/kinds.ts";
import { damagedPixels, readOwn } from "./tiff/own-reader.ts";
import { jpegsOf, type PageFields, readPageFields } from "./tiff/page-fields.ts";
import { readPageFile } from "./tiff/page-file.ts";
import { readTiffSeries } from "./tiff/series.ts";
import { withStoredBits } from "./tiff/stored-bits.ts";
import { decodePlainTiff } from "./tiff.ts";

/** A file whose first directory is the picture, and the number of pictures in the file that it was taken from. */
interface FirstPicture {
  readonly bytes: Uint8Array;
  readonly pages: number;
}

/**
 * Decodes the first picture of a TIFF and turns it upright. `general` decodes pictures that are not plain, as stored. Throws
 * Failure `frame.unreadable` for an unsupported kind, and what `general` throws.
 */
export async function decodeTiff(
  file: Uint8Array,
  where: string,
  reading: Reading,
  general: (bytes: Uint8Array) => Promise<Picture>,
): Promise<Picture> {
  const plain = decodePlainTiff(file);
  if (plain !== undefined) return plain;
  const { bytes, pages } = await firstPicture(file, where);
  const declared = await readPageFields(bytes);
  if (declared === undefined) return general(bytes);
  const fields = await withStoredBits(bytes, declared);
  refuseKind(fields, where);
  // The library would trust the declared bit depth.
  const stored =
    fields === declared
      ? await decodeStored(bytes, fields, where, reading, general)
      : await readOwn(bytes, fields, where, reading);
  const picture = upright(stored, fields.orientation);
  return pages > 1 ? { ...picture, pages } : picture;
}

/**
 * Returns a TIFF file that begins with the first picture: the same file, or, if that begins with a thumbnail, a new file with
 * the picture alone. Throws Failure `frame.unreadable` if only the thumbnail is complete.
 */
export async function firstPicture(bytes: Uint8Array, where: string): Promise<FirstPicture> {
  const source = sourceOfBytes(bytes);
  const series = await readTiffSeries(source);
  const page = series?.pages.find(({ index }) => index === 0);
  if (series === undefined) return { bytes, pages: 1 };
  if (series.count === 0) {
    const what = `it begins with a thumbnail; ${series.leftOut[0] ?? "there is no picture"}`;
    throw refused(where, what, "the file was not written or copied completely; copy it again");
  }
  // If the picture is cut off, its decoder reports the error.
  if (page === undefined || page.at === series.firstAt) return { bytes, pages: series.count };
  const only = await readPageFile(source, series.layout, page, where, (size) =>
    reserveMemory(bytes.length + size, where),
  );
  return { bytes: only, pages: series.count };
}

async function decodeStored(
  bytes: Uint8Array,
  fields: PageFields,
  where: string,
  reading: Reading,
  general: (bytes: Uint8Array) => Promise<Picture>,
): Promise<Picture> {
  if (isReadHere(fields, reading)) return readOwn(bytes, fields, where, reading);
  if (!hasSoundBlocks(bytes, fields)) throw damagedPixels(where);
  for await (const jpeg of jpegsOf(bytes)) refuseDamagedJpeg(jpeg, where);
  const { invalidOrientationAt: at } = fields;
  // libtiff refuses a file with an invalid orientation, such as 0.
  const sound = at === undefined ? bytes : withUpright(bytes, at);
  return decodePlainTiff(sound) ?? general(sound);
}

function withUpright(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const little = copy[0] === 0x49;
  new DataView(copy.buffer).setUint16(at, 1, little);
  return copy;
}
