// Reads the directories of a TIFF file one by one: classic TIFF and BigTIFF, both byte orders. Never reads pixels or the whole
// file.
import { type ByteSource, bytesAt } from "./byte-source.ts";

const LITTLE = 0x4949;
const BIG = 0x4d4d;
const CLASSIC_MAGIC = 42;
const BIG_MAGIC = 43;
/** Bytes read at a directory's offset. This covers nearly all directories and the lists after them. */
const WINDOW_BYTES = 2048;
/** Limit for the number of fields, more than any program writes. */
const MOST_FIELDS = 4096;
/** Limit for the number of values in a field, more strips than any picture has. */
const MOST_VALUES = 2 ** 22;

/** Tags of the fields that describe pages and pixels. */
export const TAG = {
  kind: 254,
  oldKind: 255,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  description: 270,
  strips: 273,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  planes: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tiles: 324,
  tileBytes: 325,
  jpegTables: 347,
  subDirectories: 330,
  extraSamples: 338,
  sampleFormat: 339,
  imageDepth: 32997,
  microManagerPage: 51123,
  dngVersion: 50706,
} as const;

/** Bytes per value of each field type. */
export const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};

/** How numbers are stored in a file. */
export interface Layout {
  readonly little: boolean;
  /** BigTIFF, with 64-bit offsets. */
  readonly big: boolean;
}

export interface TiffField {
  readonly type: number;
  readonly count: number;
  /** Offset of its first value in the file. */
  readonly at: number;
}

export interface TiffDirectory {
  readonly at: number;
  readonly fields: ReadonlyMap<number, TiffField>;
  /** Offset of the next directory, 0 after the last one. */
  readonly next: number;
  /** The bytes of the file that have been read, from `at` on. */
  readonly window: Buffer;
}

/** Returns the layout of a TIFF file and the offset of its first directory; undefined if it is not a TIFF. */
export async function readHeader(source: ByteSource): Promise<(Layout & { readonly firstAt: number }) | undefined> {
  const head = await bytesAt(source, 0, 16);
  if (head.length < 16) return undefined;
  const order = head.readUInt16BE(0);
  const little = order === LITTLE;
  if (!little && order !== BIG) return undefined;
  const magic = little ? head.readUInt16LE(2) : head.readUInt16BE(2);
  if (magic === CLASSIC_MAGIC) return { little, big: false, firstAt: number(head, 4, 4, little) };
  return magic === BIG_MAGIC ? { little, big: true, firstAt: number(head, 8, 8, little) } : undefined;
}

/** Returns the directory at an offset; undefined if it extends beyond the file or is invalid. */
export async function readDirectory(
  source: ByteSource,
  { little, big }: Layout,
  at: number,
): Promise<TiffDirectory | undefined> {
  const [countBytes, entryBytes, offsetBytes] = big ? [8, 20, 8] : [2, 12, 4];
  if (!(at >= 8) || at + countBytes > source.size) return undefined;
  let window = await bytesAt(source, at, WINDOW_BYTES);
  if (window.length < countBytes) return undefined;
  const count = number(window, 0, countBytes, little);
  const end = countBytes + entryBytes * count;
  if (count > MOST_FIELDS || at + end + offsetBytes > source.size) return undefined;
  if (end + offsetBytes > window.length) window = await bytesAt(source, at, end + offsetBytes);
  if (end + offsetBytes > window.length) return undefined;
  const fields = new Map<number, TiffField>();
  for (let entry = countBytes; entry < end; entry += entryBytes) {
    const type = number(window, entry + 2, 2, little);
    const values = number(window, entry + 4, offsetBytes, little);
    const inline = entry + 4 + offsetBytes;
    const size = (TYPE_BYTES[type] ?? 1) * values;
    const place = size <= offsetBytes ? at + inline : number(window, inline, offsetBytes, little);
    fields.set(number(window, entry, 2, little), { type, count: values, at: place });
  }
  return { at, fields, next: number(window, end, offsetBytes, little), window };
}

/** Returns the bytes of a field, at most `limit`; fewer at the end of the file. Empty if there is no such field. */
export async function fieldBytes(
  source: ByteSource,
  { at, window }: TiffDirectory,
  field: TiffField | undefined,
  limit = MOST_VALUES,
): Promise<Buffer> {
  if (field === undefined) return Buffer.alloc(0);
  const length = Math.min(limit, field.count * (TYPE_BYTES[field.type] ?? 1));
  const from = field.at - at;
  if (from >= 0 && from + length <= window.length) return window.subarray(from, from + length);
  return field.at > source.size ? Buffer.alloc(0) : bytesAt(source, field.at, length);
}

/** Returns the values of an integer field; fewer at the end of the file. */
export async function fieldNumbers(
  source: ByteSource,
  layout: Layout,
  directory: TiffDirectory,
  tag: number,
): Promise<number[]> {
  const field = directory.fields.get(tag);
  if (field === undefined) return [];
  const size = TYPE_BYTES[field.type] ?? 1;
  const bytes = await fieldBytes(source, directory, field, MOST_VALUES * size);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
    number(bytes, index * size, size, layout.little),
  );
}

/** Returns the first value of an integer field, or `otherwise` if there is none. */
export async function fieldNumber<T>(
  source: ByteSource,
  layout: Layout,
  directory: TiffDirectory,
  tag: number,
  otherwise: T,
): Promise<number | T> {
  const field = directory.fields.get(tag);
  const size = TYPE_BYTES[field?.type ?? 0] ?? 1;
  const bytes = await fieldBytes(source, directory, field, size);
  return bytes.length < size ? otherwise : number(bytes, 0, size, layout.little);
}

/** Reads an integer. A 64-bit number beyond 2^53 loses digits, but no file has such an offset, so later checks reject it. */
function number(bytes: Buffer, at: number, size: number, little: boolean): number {
  if (size === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}
