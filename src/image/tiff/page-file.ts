// One page of a TIFF file as a file of its own in memory: the fields that say how its samples are stored, and its strips or
// tiles, read straight to their place. So every page is read like a file with a single picture, and nothing else is read.
import { Failure } from "../../failure/failure.ts";
import type { ByteSource } from "./byte-source.ts";
import {
  fieldBytes,
  fieldNumbers,
  type Layout,
  readDirectory,
  TAG,
  type TiffDirectory,
  TYPE_BYTES,
} from "./directory.ts";
import type { TiffPage } from "./series.ts";

/** Fields that say how samples are stored, besides the lists of strips and tiles. */
const KEPT: readonly number[] = [
  256, 257, 258, 259, 262, 266, 274, 277, 278, 284, 292, 293, 317, 320, 322, 323, 338, 339, 347, 529, 530, 531, 532,
];
const MOST_FIELD_BYTES = 2 ** 20;
const LONG = 4;
/** Of BigTIFF only. */
const LONG8 = 16;
const ALIGNMENT = 16;
const [HEADER_BYTES, ENTRY_BYTES] = [8, 12] as const;

interface Field {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** What stands between the pixels of a page and its picture. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/**
 * A classic TIFF file of the one page. `allow` throws for a number of bytes that is too large. Throws Failure
 * `frame.unreadable` where the page cannot be read whole.
 */
export async function readPageFile(
  source: ByteSource,
  layout: Layout,
  page: TiffPage,
  where: string,
  allow: (bytes: number) => void,
): Promise<Uint8Array> {
  const directory = await readDirectory(source, layout, page.at);
  if (directory === undefined) throw cutOff(where);
  const isTiled = directory.fields.has(TAG.tiles);
  const places = await fieldNumbers(source, layout, directory, isTiled ? TAG.tiles : TAG.strips);
  const sizes = await fieldNumbers(source, layout, directory, isTiled ? TAG.tileBytes : TAG.stripBytes);
  if (sizes.length < places.length) throw cutOff(where);
  const fields = await keptFields(source, layout, directory);
  const directoryEnd = align(HEADER_BYTES + 2 + ENTRY_BYTES * (fields.length + 2) + 4);
  const dataAt = directoryEnd + sumOf(fields) + 2 * align(4 * places.length);
  const total = sizes.slice(0, places.length).reduce((sum, size) => sum + size, dataAt);
  allow(total);
  const stretches = stretchesOf(places, sizes, dataAt, page.shift);
  if (stretches.some(({ from, length }) => from + length > source.size)) throw cutOff(where);
  const file = Buffer.allocUnsafeSlow(total);
  const offsets = Uint32Array.from(sizes);
  for (let index = 0, at = dataAt; index < places.length; index++) {
    offsets[index] = at;
    at += sizes[index] ?? 0;
  }
  fields.push(listField(isTiled ? TAG.tiles : TAG.strips, offsets.subarray(0, places.length), layout.little));
  fields.push(listField(isTiled ? TAG.tileBytes : TAG.stripBytes, sizes.slice(0, places.length), layout.little));
  writeDirectory(file, fields, layout.little, dataAt);
  for (const { from, to, length } of stretches) {
    if ((await source.read(file.subarray(to, to + length), from)) < length) throw cutOff(where);
  }
  return file;
}

function cutOff(where: string): Failure {
  return new Failure("frame.unreadable", `${where}: the file is cut off: the page is not whole`, {
    hint: "the file was not written or copied completely; copy it again",
  });
}

const align = (at: number): number => Math.ceil(at / ALIGNMENT) * ALIGNMENT;
const sumOf = (fields: readonly Field[]): number =>
  fields.reduce((sum, { bytes }) => sum + (bytes.length > 4 ? align(bytes.length) : 0), 0);

async function keptFields(source: ByteSource, layout: Layout, directory: TiffDirectory): Promise<Field[]> {
  const fields: Field[] = [];
  for (const tag of KEPT) {
    const field = directory.fields.get(tag);
    if (field === undefined) continue;
    if (field.type === LONG8) {
      fields.push(listField(tag, await fieldNumbers(source, layout, directory, tag), layout.little));
      continue;
    }
    const bytes = await fieldBytes(source, directory, field, MOST_FIELD_BYTES);
    const count = Math.floor(bytes.length / (TYPE_BYTES[field.type] ?? 1));
    if (count > 0) fields.push({ tag, type: field.type, count, bytes });
  }
  return fields;
}

/** What is to be read, joined where it follows each other in both files. */
function stretchesOf(places: readonly number[], sizes: readonly number[], dataAt: number, shift: number): Stretch[] {
  const stretches: { from: number; to: number; length: number }[] = [];
  let to = dataAt;
  for (const [index, place] of places.entries()) {
    const length = sizes[index] ?? 0;
    const last = stretches.at(-1);
    if (last !== undefined && last.from + last.length === place + shift) last.length += length;
    else stretches.push({ from: place + shift, to, length });
    to += length;
  }
  return stretches;
}

function listField(tag: number, numbers: ArrayLike<number>, little: boolean): Field {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (let index = 0; index < numbers.length; index++) {
    if (little) bytes.writeUInt32LE(numbers[index] ?? 0, 4 * index);
    else bytes.writeUInt32BE(numbers[index] ?? 0, 4 * index);
  }
  return { tag, type: LONG, count: numbers.length, bytes };
}

/** The header, the directory, and behind it the values that do not fit into it. */
function writeDirectory(file: Buffer, fields: Field[], little: boolean, end: number): void {
  const put = (value: number, at: number, size: 2 | 4) =>
    little ? file.writeUIntLE(value, at, size) : file.writeUIntBE(value, at, size);
  file.fill(0, 0, end);
  file.write(little ? "II" : "MM", 0, "latin1");
  put(42, 2, 2);
  put(HEADER_BYTES, 4, 4);
  put(fields.length, HEADER_BYTES, 2);
  let entry = HEADER_BYTES + 2;
  let place = align(entry + ENTRY_BYTES * fields.length + 4);
  for (const { tag, type, count, bytes } of fields.sort((a, b) => a.tag - b.tag)) {
    put(tag, entry, 2);
    put(type, entry + 2, 2);
    put(count, entry + 4, 4);
    if (bytes.length <= 4) bytes.copy(file, entry + 8);
    else {
      put(place, entry + 8, 4);
      bytes.copy(file, place);
      place = align(place + bytes.length);
    }
    entry += ENTRY_BYTES;
  }
}
