// Extracts rows from the pages of an SQLite file. Every length and pointer is checked: a cell that does not match the format
// exactly is not a row.
import type { PageFile } from "./salvage-pages.ts";

/** A value as SQLite stores it. */
export type Value = null | number | bigint | string | Buffer;

export interface Row {
  /** Row id; 0 in an index. */
  readonly rowid: number;
  readonly values: readonly Value[];
}

export interface BTreePage {
  /** Whether it is an index, or a table without row ids: these have rows in interior pages too. */
  readonly index: boolean;
  readonly leaf: boolean;
  /** Children of an interior page, in order of keys. `upTo` is the highest row id in a child; undefined in an index. */
  readonly children: readonly { readonly page: number; readonly upTo: number | undefined }[];
  /** Offsets of its cells. */
  readonly cells: readonly number[];
}

const TYPES: Readonly<Record<number, Pick<BTreePage, "index" | "leaf">>> = {
  2: { index: true, leaf: false },
  5: { index: false, leaf: false },
  10: { index: true, leaf: true },
  13: { index: false, leaf: true },
};
/** The first page starts with the header of the file. */
const FILE_HEADER_BYTES = 100;

/** Parses page `number` as a b-tree page; undefined if it is none. */
export function bTreePage(file: PageFile, number: number): BTreePage | undefined {
  const page = file.page(number);
  const start = number === 1 ? FILE_HEADER_BYTES : 0;
  const type = page === undefined ? undefined : TYPES[page.readUInt8(start)];
  if (page === undefined || type === undefined) return undefined;
  const count = page.readUInt16BE(start + 3);
  const pointers = start + (type.leaf ? 8 : 12);
  const content = pointers + 2 * count;
  if (content > file.usableBytes) return undefined;
  const cells = Array.from({ length: count }, (_, i) => page.readUInt16BE(pointers + 2 * i));
  if (cells.some((cell) => cell < content || cell > file.usableBytes - 4)) return undefined;
  if (type.leaf) return { ...type, cells, children: [] };
  const children = cells.map((cell) => ({
    page: page.readUInt32BE(cell),
    upTo: type.index ? undefined : varint(page, cell + 4)?.value,
  }));
  return { ...type, cells, children: [...children, { page: page.readUInt32BE(start + 8), upTo: undefined }] };
}

/** Returns the row of a cell; undefined if it is damaged. `used` is called with each overflow page of the row. */
export function rowOf(
  file: PageFile,
  number: number,
  { index, leaf }: BTreePage,
  cell: number,
  used: (page: number) => void,
): Row | undefined {
  const page = file.page(number);
  if (page === undefined) return undefined;
  const size = varint(page, cell + (index && !leaf ? 4 : 0));
  const key = size === undefined || index ? undefined : varint(page, size.end);
  const start = index ? size?.end : key?.end;
  if (size === undefined || start === undefined) return undefined;
  const payload = payloadOf(file, page, start, size.value, index, used);
  const values = payload === undefined ? undefined : recordOf(payload);
  return values === undefined ? undefined : { rowid: key?.value ?? 0, values };
}

function payloadOf(
  file: PageFile,
  page: Buffer,
  start: number,
  size: number,
  index: boolean,
  used: (page: number) => void,
): Buffer | undefined {
  const usable = file.usableBytes;
  const most = index ? Math.floor(((usable - 12) * 64) / 255) - 23 : usable - 35;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((size - least) % (usable - 4));
  const local = size <= most ? size : wanted <= most ? wanted : least;
  if (size < 1 || size > file.pages * usable || start + local > usable) return undefined;
  if (local === size) return page.subarray(start, start + size);
  if (start + local + 4 > usable) return undefined;
  const pieces = [page.subarray(start, start + local)];
  let next = page.readUInt32BE(start + local);
  for (let left = size - local; left > 0; left -= usable - 4) {
    const more = file.page(next);
    if (more === undefined) return undefined;
    used(next);
    pieces.push(more.subarray(4, 4 + Math.min(left, usable - 4)));
    next = more.readUInt32BE(0);
  }
  return next === 0 ? Buffer.concat(pieces, size) : undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function recordOf(payload: Buffer): Value[] | undefined {
  const header = varint(payload, 0);
  if (header === undefined || header.value > payload.length) return undefined;
  const values: Value[] = [];
  let body = header.value;
  let at = header.end;
  while (at < header.value) {
    const type = varint(payload, at);
    if (type === undefined || type.end > header.value) return undefined;
    const length = lengthOf(type.value);
    if (length === undefined || body + length > payload.length) return undefined;
    const value = decoded(type.value, payload.subarray(body, body + length));
    if (value === undefined) return undefined;
    values.push(value);
    body += length;
    at = type.end;
  }
  return body === payload.length ? values : undefined;
}

const LENGTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function lengthOf(type: number): number | undefined {
  if (type >= 12) return Math.floor((type - 12) / 2);
  return LENGTHS[type];
}

/** Returns undefined if the bytes are not valid text. */
function decoded(type: number, bytes: Buffer): Value | undefined {
  if (type === 0) return null;
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 8 || type === 9) return type - 8;
  if (type === 6) return exact(bytes.readBigInt64BE(0));
  if (type < 6) return bytes.readIntBE(0, bytes.length);
  if (type % 2 === 0) return Buffer.from(bytes);
  try {
    return utf8.decode(bytes);
  } catch {
    // Text was always written as valid UTF-8.
    return undefined;
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Reads a variable-length integer; returns it and the offset after it. Undefined beyond the page, and for a value that no row of
 * a manifest has.
 */
function varint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 8; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, end: at + i + 1 } : undefined;
  }
  return undefined;
}
