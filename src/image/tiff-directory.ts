// What a TIFF file says about itself: its pages, which way up the first one is, and of what kind its samples are. Classic
// TIFF and BigTIFF, both byte orders. It reads no pixels.
import { Failure } from "../failure/failure.ts";
import type { PictureSize } from "./memory.ts";

const LITTLE = 0x4949;
const BIG = 0x4d4d;
const CLASSIC_MAGIC = 42;
const BIG_MAGIC = 43;

const TAG = {
  kind: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  description: 270,
  orientation: 274,
  sampleFormat: 339,
  strips: 273,
  samples: 277,
  stripBytes: 279,
  tiles: 324,
  tileBytes: 325,
  jpegTables: 347,
} as const;
const JPEG = 7;

/** Bits of the kind of a page: a smaller copy of another page, or a mask for one. */
const REDUCED = 1;
const MASK = 4;

/** Bytes of one value of each field type. */
const TYPE_BYTES: Readonly<Record<number, number>> = {
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
const SHORT = 3;
const LONG = 4;

/** No description that names a number of pictures is longer than this before the number. */
const DESCRIPTION_BYTES = 4096;

export interface TiffSummary {
  /** Pictures in the file: pages that are neither thumbnails nor masks, or what ImageJ says where that is more. */
  readonly pages: number;
  /** 1 to 8 as the standard has it; absent and invalid values count as 1. */
  readonly orientation: number;
  /** Place of an orientation that is none of these; undefined where there is none. */
  readonly invalidOrientationAt: number | undefined;
  readonly bits: number;
  readonly sampleFormat: number;
  readonly compression: number;
}

interface Field {
  readonly type: number;
  readonly count: number;
  /** Of its first value. */
  readonly at: number;
}

interface Page {
  readonly fields: ReadonlyMap<number, Field>;
  readonly next: number;
}

/** Where numbers are in a file, in its byte order and of the size of its kind. */
interface Layout {
  readonly view: DataView;
  readonly little: boolean;
  readonly big: boolean;
}

/** Undefined where the file is no TIFF or its first page's directory is damaged: a reader of pixels then says more. */
export function tiffSummary(bytes: Uint8Array): TiffSummary | undefined {
  const layout = layoutOf(bytes);
  if (layout === undefined) return undefined;
  const firstAt = firstPageAt(layout);
  const first = readPage(layout, firstAt);
  if (first === undefined) return undefined;
  const number = (tag: number, otherwise: number) => numberOf(layout, first.fields.get(tag)) ?? otherwise;
  const orientation = number(TAG.orientation, 1);
  const isKnown = orientation >= 1 && orientation <= 8;
  return {
    pages: Math.max(countPages(layout, firstAt, first), picturesOfImageJ(layout, first.fields.get(TAG.description))),
    orientation: isKnown ? orientation : 1,
    invalidOrientationAt: isKnown ? undefined : first.fields.get(TAG.orientation)?.at,
    bits: number(TAG.bits, 1),
    sampleFormat: number(TAG.sampleFormat, 1),
    compression: number(TAG.compression, 1),
  };
}

/** The size of the first page; undefined where its directory does not say it. */
export function tiffSize(bytes: Uint8Array): PictureSize | undefined {
  const layout = layoutOf(bytes);
  const page = layout === undefined ? undefined : readPage(layout, firstPageAt(layout));
  if (layout === undefined || page === undefined) return undefined;
  const number = (tag: number) => numberOf(layout, page.fields.get(tag));
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
  const page = layout === undefined ? undefined : readPage(layout, firstPageAt(layout));
  if (layout === undefined || page === undefined) return;
  const { fields } = page;
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

/** The directory at a place; undefined where it leaves the file. */
function readPage({ view, little, big }: Layout, at: number): Page | undefined {
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
  return { fields, next: big ? offsetOf(view, end, little) : view.getUint32(end, little) };
}

/** The first value of a field of whole numbers; undefined where it is absent or beyond the end. */
function numberOf({ view, little }: Layout, field: Field | undefined): number | undefined {
  if (field === undefined || field.count < 1 || field.at + 4 > view.byteLength) return undefined;
  if (field.type === SHORT) return view.getUint16(field.at, little);
  return field.type === LONG ? view.getUint32(field.at, little) : undefined;
}

/** A page whose directory is not there (the file is cut off) counts, and ends the count: it was meant to be there. */
function countPages(layout: Layout, firstAt: number, first: Page): number {
  const seen = new Set([firstAt]);
  let pages = 1;
  for (let at = first.next; at !== 0 && !seen.has(at); ) {
    seen.add(at);
    const page = readPage(layout, at);
    const kind = numberOf(layout, page?.fields.get(TAG.kind)) ?? 0;
    if ((kind & (REDUCED | MASK)) === 0) pages++;
    if (page === undefined) break;
    at = page.next;
  }
  return pages;
}

/** ImageJ writes stacks of more than 4 GB as one page with the rest behind it, and says so in its description alone. */
function picturesOfImageJ({ view }: Layout, description: Field | undefined): number {
  if (description === undefined || description.at >= view.byteLength) return 1;
  const length = Math.min(description.count, DESCRIPTION_BYTES, view.byteLength - description.at);
  const text = Buffer.from(view.buffer, view.byteOffset + description.at, length).toString("latin1");
  if (!text.startsWith("ImageJ=")) return 1;
  return Number(/^images=(\d+)/m.exec(text)?.[1] ?? 1);
}

/** What compressions are called that can be met, and are not read. */
const COMPRESSIONS: Readonly<Record<number, string>> = {
  6: "old-style JPEG",
  33003: "JPEG 2000",
  33005: "JPEG 2000",
  34712: "JPEG 2000",
  34887: "LERC",
  34925: "LZMA",
  50000: "Zstandard",
  50001: "WebP",
  50002: "JPEG XL",
  52546: "JPEG XL",
};
/** None, CCITT in three forms, LZW, JPEG, deflate under both its numbers, PackBits. */
const READ_COMPRESSIONS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 7, 8, 32773, 32946]);
/** 1, 2 and 4 bits are stretched to 8 when they are read. */
const READ_BITS: ReadonlySet<number> = new Set([1, 2, 4, 8, 16]);
const [UNSIGNED, SIGNED, FLOAT, UNSPECIFIED] = [1, 2, 3, 4];

/**
 * Throws Failure `frame.unreadable` for a TIFF of a kind that is not read, by its name; such a file is not damaged. `where`
 * names it.
 */
export function refuseTiffKind({ bits, sampleFormat, compression }: TiffSummary, where: string): void {
  const refuse = (what: string, hint: string) => new Failure("frame.unreadable", `${where}: ${what}`, { hint });
  if (sampleFormat !== UNSIGNED && sampleFormat !== UNSPECIFIED) {
    const kind = sampleFormat === SIGNED ? "signed" : sampleFormat === FLOAT ? "floating-point" : "complex";
    throw refuse(`a TIFF with ${kind} samples of ${bits} bits`, "save it with 8 or 16 bits per sample, unsigned");
  }
  if (!READ_BITS.has(bits)) {
    const packed = bits % 8 === 0 ? "" : ", packed";
    throw refuse(`a TIFF with samples of ${bits} bits${packed}`, "save it with 8 or 16 bits per sample");
  }
  if (!READ_COMPRESSIONS.has(compression)) {
    const name = COMPRESSIONS[compression] ?? `number ${compression}`;
    throw refuse(`a TIFF with the compression ${name}`, "save it uncompressed, or with LZW or deflate");
  }
}
