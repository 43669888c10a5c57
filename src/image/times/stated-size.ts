// Whether metadata and image agree on the width and height. If not, the metadata are perhaps those of another series.
import { fieldNumber, TAG } from "../tiff/directory.ts";
import type { OpenDirectory } from "./head.ts";

/** px */
export interface StatedSize {
  readonly width: number;
  readonly height: number;
}

/** A size of which both numbers are known. */
export const sizeOf = (width: number | undefined, height: number | undefined): StatedSize | undefined =>
  width === undefined || height === undefined ? undefined : { width, height };

/** A line if a page is not as large as its metadata say; `says` names these, with a verb. None where they do not say it. */
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
