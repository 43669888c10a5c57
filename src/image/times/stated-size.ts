// Checks whether metadata and image agree on width and height. If not, the metadata may belong to another series.
import { fieldNumber, TAG } from "../tiff/directory.ts";
import type { OpenDirectory } from "./head.ts";

/** px */
export interface StatedSize {
  readonly width: number;
  readonly height: number;
}

/** Returns a size if both numbers are known. */
export const sizeOf = (width: number | undefined, height: number | undefined): StatedSize | undefined =>
  width === undefined || height === undefined ? undefined : { width, height };

/**
 * Returns a line if the size of a page differs from its metadata; `says` is the subject of the message with a verb. Empty if
 * the metadata states no size.
 */
export async function sizeNotes(
  says: string,
  stated: StatedSize | undefined,
  { source, layout, directory }: OpenDirectory,
): Promise<string[]> {
  if (stated === undefined) return [];
  const number = (tag: number) => fieldNumber(source, layout, directory, tag, 0);
  const [width, height] = [await number(TAG.width), await number(TAG.height)];
  if (width === stated.width && height === stated.height) return [];
  const found = `but the image has ${width} × ${height} px; phorest uses the times`;
  return [`${says} ${stated.width} × ${stated.height} px, ${found}: check that they are of this series`];
}
