// The size of a TIFF in memory and the JPEG files in it, from the first of its directories. Classic TIFF and BigTIFF, both
// byte orders. src/image/tiff reads everything else of a directory.
import type { PictureSize } from "./memory.ts";
import { TYPE_BYTES } from "./tiff/directory.ts";

const LITTLE = 0x4949;
const BIG = 0x4d4d;
const CLASSIC_MAGIC = 42;
const BIG_MAGIC = 43;

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  strips: 273,
  samples: 277,
  stripBytes: 279,
  tiles: 324,
  tileBytes: 325,
  jpegTables: 347,
} as const;
const JPEG = 7;

const SHORT = 3;
const LONG = 4;

interface Field {
  readonly type: number;
  readonly count: number;
  /** Of its first value. */
  readonly at: number;
}

type Fields = ReadonlyMap<number, Field>;

/** Where numbers are in a file, in its byte order and of the size of its kind. */
interface Layout {
  readonly view: DataView;
  readonly little: boolean;
  readonly big: boolean;
}

/** The size of the first page; undefined where its directory does not say it. */
export function tiffSize(bytes: Uint8Array): PictureSize | undefined {
  const layout = layoutOf(bytes);
  const fields = layout === undefined ? undefined : readFields(layout, firstPageAt(layout));
  if (layout === undefined || fields === undefined) return undefined;
  const number = (tag: number) => numberOf(layout, fields.get(tag));
  const [width, height] = [number(TAG.width), number(TAG.height)];
  if (width === undefined || height === undefined) return undefined;
  const bytesPerSample = Math.max(1, (number(TAG.bits) ?? 1) / 8);
  // It may be one compressed strip, which is unpacked in one piece.
  return { width, height, channels: number(TAG.samples) ?? 1, bytesPerSample, buffered: true };
}

/**
 * The JPEG files that a TIFF with JPEG compression is made of, one for each strip or tile of its first page, whole with the
 * tables that they share; none for other files. A strip that leaves the file ends there.
 */
export function* jpegsOf(bytes: Uint8Array): Generator<Uint8Array> {
  const layout = layoutOf(bytes);
  const fields = layout === undefined ? undefined : readFields(layout, firstPageAt(layout));
  if (layout === undefined || fields === undefined) return;
  if (numberOf(layout, fields.get(TAG.compression)) !== JPEG) return;
  const shared = fields.get(TAG.jpegTables);
  // Without the end marker of the tables, and the start marker of what follows.
  const tables = shared === undefined ? undefined : bytes.subarray(shared.at, shared.at + shared.count - 2);
  const isTiled = fields.has(TAG.tiles);
  const places = numbersOf(layout, fields.get(isTiled ? TAG.tiles : TAG.strips));
  const sizes = numbersOf(layout, fields.get(isTiled ? TAG.tileBytes : TAG.stripBytes));
  for (const [index, place] of places.entries()) {
    const stream = bytes.subarray(place, place + (sizes[index] ?? 0));
    yield tables === undefined ? stream : Buffer.concat([tables, stream.subarray(2)]);
  }
}

const firstPageAt = ({ view, little, big }: Layout): number =>
  big ? offsetOf(view, 8, little) : view.getUint32(4, little);

/** All values of a field of whole numbers; as many as there are before the file's end. */
function numbersOf({ view, little }: Layout, field: Field | undefined): number[] {
  if (field === undefined) return [];
  const size = TYPE_BYTES[field.type] ?? 1;
  const count = Math.min(field.count, Math.max(0, Math.floor((view.byteLength - field.at) / size)));
  return Array.from({ length: count }, (_, index) => {
    const at = field.at + index * size;
    if (size === 8) return offsetOf(view, at, little);
    return size === 2 ? view.getUint16(at, little) : size === 4 ? view.getUint32(at, little) : view.getUint8(at);
  });
}

function layoutOf(bytes: Uint8Array): Layout | undefined {
  if (bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = view.getUint16(0);
  const little = order === LITTLE;
  if (!little && order !== BIG) return undefined;
  const magic = view.getUint16(2, little);
  return magic === CLASSIC_MAGIC || magic === BIG_MAGIC ? { view, little, big: magic === BIG_MAGIC } : undefined;
}

/** A 64-bit number; beyond 2^53 it is no place in any file, and what is done with it finds that out. */
function offsetOf(view: DataView, at: number, little: boolean): number {
  return Number(view.getBigUint64(at, little));
}

/** The fields of the directory at a place; undefined where it leaves the file. */
function readFields({ view, little, big }: Layout, at: number): Fields | undefined {
  const [countBytes, entryBytes, offsetBytes] = big ? [8, 20, 8] : [2, 12, 4];
  if (!(at >= 8) || at + countBytes > view.byteLength) return undefined;
  const count = big ? offsetOf(view, at, little) : view.getUint16(at, little);
  const end = at + countBytes + entryBytes * count;
  if (end + offsetBytes > view.byteLength) return undefined;
  const fields = new Map<number, Field>();
  for (let entry = at + countBytes; entry < end; entry += entryBytes) {
    const type = view.getUint16(entry + 2, little);
    const values = big ? offsetOf(view, entry + 4, little) : view.getUint32(entry + 4, little);
    const inline = entry + (big ? 12 : 8);
    const size = (TYPE_BYTES[type] ?? 1) * values;
    const place = big ? offsetOf(view, inline, little) : view.getUint32(inline, little);
    fields.set(view.getUint16(entry, little), { type, count: values, at: size <= offsetBytes ? inline : place });
  }
  return fields;
}

/** The first value of a field of whole numbers; undefined where it is absent or beyond the end. */
function numberOf({ view, little }: Layout, field: Field | undefined): number | undefined {
  if (field === undefined || field.count < 1 || field.at + 4 > view.byteLength) return undefined;
  if (field.type === SHORT) return view.getUint16(field.at, little);
  return field.type === LONG ? view.getUint32(field.at, little) : undefined;
}
