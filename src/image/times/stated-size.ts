// Checks whether metadata and image agree on width, height and type of the pixels. If not, the metadata may belong to another
// series.
import { fieldNumber, TAG } from "../tiff/directory.ts";
import type { OpenDirectory } from "./head.ts";

/** px */
export interface StatedSize {
  readonly width: number;
  readonly height: number;
  /** Type of the pixels, in the words of OME; undefined if it is not known. */
  readonly type: string | undefined;
}

/** Types of gray pixels as OME-XML and Micro-Manager call them, in the words of OME. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ uint8: "uint8", uint16: "uint16", uint32: "uint32", int8: "int8", int16: "int16", int32: "int32" },
  ...{ float: "float", double: "double", GRAY8: "uint8", GRAY16: "uint16" },
};

/** Returns a size if both numbers are known. `type`: as the metadata call it. */
export function sizeOf(
  width: number | undefined,
  height: number | undefined,
  type: string | undefined,
): StatedSize | undefined {
  return width === undefined || height === undefined ? undefined : { width, height, type: TYPES[type ?? ""] };
}

/**
 * Returns a line if the size or the type of a page differs from its metadata; `says` is the subject of the message with a verb.
 * Empty if the metadata states no size.
 */
export async function sizeNotes(
  says: string,
  stated: StatedSize | undefined,
  { source, layout, directory }: OpenDirectory,
): Promise<string[]> {
  if (stated === undefined) return [];
  const number = (tag: number, otherwise: number) => fieldNumber(source, layout, directory, tag, otherwise);
  const [width, height] = [await number(TAG.width, 0), await number(TAG.height, 0)];
  const use = "phorest uses the times: check that they are of this series";
  const lines: string[] = [];
  if (width !== stated.width || height !== stated.height) {
    lines.push(`${says} ${stated.width} × ${stated.height} px, but the image has ${width} × ${height} px; ${use}`);
  }
  const type = typeOf(await number(TAG.bits, 1), await number(TAG.sampleFormat, 1));
  if (stated.type !== undefined && type !== stated.type)
    lines.push(`${says} pixels of type ${stated.type}, but the image has ${type}; ${use}`);
  return lines;
}

/** Returns the type of stored pixels. Packed ones are of the type that holds them. */
function typeOf(bits: number, format: number): string {
  const whole = 8 * 2 ** Math.ceil(Math.log2(Math.max(bits, 8) / 8));
  if (format === FLOATING_POINT) return whole === 64 ? "double" : whole === 32 ? "float" : `${bits}-bit float`;
  return `${format === SIGNED ? "int" : "uint"}${whole}`;
}

/** Values of the TIFF field SampleFormat. */
const [SIGNED, FLOATING_POINT] = [2, 3];
