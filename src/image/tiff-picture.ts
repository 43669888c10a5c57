// TIFF files of every kind that is read: the first page, upright, with the number of pages there are.
import { refuseDamagedJpeg } from "./jpeg-check.ts";
import { upright } from "./orientation.ts";
import type { Picture } from "./picture.ts";
import { decodePlainTiff } from "./tiff.ts";
import { jpegsOf, refuseTiffKind, tiffSummary } from "./tiff-directory.ts";

/**
 * The first page of a TIFF, turned upright. `general` reads what is not plain, as it is stored. Throws Failure
 * `frame.unreadable` for a kind that is not read, and what `general` throws.
 */
export async function decodeTiff(
  bytes: Uint8Array,
  where: string,
  general: (bytes: Uint8Array) => Promise<Picture>,
): Promise<Picture> {
  const summary = tiffSummary(bytes);
  if (summary === undefined) return general(bytes);
  refuseTiffKind(summary, where);
  for (const jpeg of jpegsOf(bytes)) refuseDamagedJpeg(jpeg, where);
  const { pages, orientation, invalidOrientationAt } = summary;
  // libtiff refuses a file for an orientation that does not exist, such as 0.
  const sound = invalidOrientationAt === undefined ? bytes : withUpright(bytes, invalidOrientationAt);
  const picture = upright(decodePlainTiff(sound) ?? (await general(sound)), orientation);
  return pages > 1 ? { ...picture, pages } : picture;
}

/** Whether the pixels of a TIFF are stored as they are to be seen, in a way that every reader accepts. */
export function isStoredUpright(bytes: Uint8Array): boolean {
  const summary = tiffSummary(bytes);
  return summary === undefined || (summary.orientation === 1 && summary.invalidOrientationAt === undefined);
}

function withUpright(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const little = copy[0] === 0x49;
  new DataView(copy.buffer).setUint16(at, 1, little);
  return copy;
}
