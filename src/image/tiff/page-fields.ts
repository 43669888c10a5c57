// Reads what a picture's directory states about its samples into one object, with the standard's defaults.

import type { PictureSize } from "../memory.ts";
import { type ByteSource, sourceOfBytes } from "./byte-source.ts";
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

/** Sample formats. */
export const SAMPLE = { unsigned: 1, signed: 2, float: 3, unspecified: 4 } as const;
export const PHOTOMETRIC = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, mosaic: 32803, linearRaw: 34892 } as const;
const JPEG = 7;

export interface PageFields {
  readonly little: boolean;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** The samples have different numbers of bits. */
  readonly mixedBits: boolean;
  readonly samples: number;
  readonly sampleFormat: number;
  readonly compression: number;
  /** Undefined if the file does not state it. */
  readonly photometric: number | undefined;
  readonly predictor: number;
  /** 2: the bits of each byte are in reverse order. */
  readonly fillOrder: number;
  /** 1 to 8 as in the standard; missing and invalid values count as 1. */
  readonly orientation: number;
  /** Offset of an invalid orientation in the file; undefined if there is none. */
  readonly invalidOrientationAt: number | undefined;
  /** Number of images on top of each other in the page, in volumetric files. */
  readonly depth: number;
  /** Each kind of sample is in a separate plane. */
  readonly isPlanar: boolean;
  readonly isTiled: boolean;
  /** Columns and rows of a tile; for strips, the picture's columns and the rows of a strip. */
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly places: readonly number[];
  readonly sizes: readonly number[];
}

/** Returns the size of the first page of a file; undefined if its directory does not state it. */
export async function tiffSize(bytes: Uint8Array): Promise<PictureSize | undefined> {
  const first = await firstDirectory(bytes);
  if (first === undefined) return undefined;
  const { source, layout, directory } = first;
  const number = <T>(tag: number, otherwise: T) => fieldNumber(source, layout, directory, tag, otherwise);
  const [width, height] = [await number(TAG.width, undefined), await number(TAG.height, undefined)];
  if (width === undefined || height === undefined) return undefined;
  const bytesPerSample = Math.max(1, (await number(TAG.bits, 1)) / 8);
  // It may be one compressed strip, which is unpacked as a whole.
  return { width, height, channels: await number(TAG.samples, 1), bytesPerSample, buffered: true };
}

/**
 * Returns the JPEG files in a JPEG-compressed TIFF, one for each strip or tile of its first page, completed with the tables
 * that they share; none for other files. A strip that extends beyond the file ends at the end of the file.
 */
export async function* jpegsOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const first = await firstDirectory(bytes);
  if (first === undefined) return;
  const { source, layout, directory } = first;
  if ((await fieldNumber(source, layout, directory, TAG.compression, 1)) !== JPEG) return;
  const isTiled = directory.fields.has(TAG.tiles);
  const places = await fieldNumbers(source, layout, directory, isTiled ? TAG.tiles : TAG.strips);
  const sizes = await fieldNumbers(source, layout, directory, isTiled ? TAG.tileBytes : TAG.stripBytes);
  const shared = await fieldBytes(source, directory, directory.fields.get(TAG.jpegTables));
  // Without the end marker of the tables, and the start marker of what follows.
  const tables = shared.subarray(0, Math.max(0, shared.length - 2));
  for (const [index, place] of places.entries()) {
    const stream = bytes.subarray(place, place + (sizes[index] ?? 0));
    yield shared.length === 0 ? stream : Buffer.concat([tables, stream.subarray(2)]);
  }
}

interface FirstDirectory {
  readonly source: ByteSource;
  readonly layout: Layout;
  readonly directory: TiffDirectory;
}

async function firstDirectory(bytes: Uint8Array): Promise<FirstDirectory | undefined> {
  const source = sourceOfBytes(bytes);
  const layout = await readHeader(source);
  const directory = layout === undefined ? undefined : await readDirectory(source, layout, layout.firstAt);
  return layout === undefined || directory === undefined ? undefined : { source, layout, directory };
}

/** Returns the fields of a file's first directory; undefined if it cannot be read, or states no size. */
export async function readPageFields(bytes: Uint8Array): Promise<PageFields | undefined> {
  const first = await firstDirectory(bytes);
  return first === undefined ? undefined : fieldsOf(first.source, first.layout, first.directory);
}

async function fieldsOf(source: ByteSource, layout: Layout, directory: TiffDirectory): Promise<PageFields | undefined> {
  const number = (tag: number, otherwise: number) => fieldNumber(source, layout, directory, tag, otherwise);
  const numbers = (tag: number) => fieldNumbers(source, layout, directory, tag);
  const width = await number(TAG.width, 0);
  const height = await number(TAG.height, 0);
  if (width < 1 || height < 1) return undefined;
  const allBits = await numbers(TAG.bits);
  const bits = allBits[0] ?? 1;
  const orientation = await number(TAG.orientation, 1);
  const isKnown = orientation >= 1 && orientation <= 8;
  const isTiled = directory.fields.has(TAG.tiles);
  return {
    little: layout.little,
    width,
    height,
    bits,
    mixedBits: allBits.some((other) => other !== bits),
    samples: await number(TAG.samples, 1),
    sampleFormat: await number(TAG.sampleFormat, SAMPLE.unsigned),
    compression: await number(TAG.compression, 1),
    photometric: await fieldNumber(source, layout, directory, TAG.photometric, undefined),
    predictor: await number(TAG.predictor, 1),
    fillOrder: await number(TAG.fillOrder, 1),
    orientation: isKnown ? orientation : 1,
    invalidOrientationAt: isKnown ? undefined : directory.fields.get(TAG.orientation)?.at,
    depth: await number(TAG.imageDepth, 1),
    isPlanar: (await number(TAG.planes, 1)) === 2,
    isTiled,
    blockWidth: isTiled ? await number(TAG.tileWidth, 0) : width,
    blockHeight: isTiled ? await number(TAG.tileHeight, 0) : Math.min(height, await number(TAG.rowsPerStrip, height)),
    places: await numbers(isTiled ? TAG.tiles : TAG.strips),
    sizes: await numbers(isTiled ? TAG.tileBytes : TAG.stripBytes),
  };
}
