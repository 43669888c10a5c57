// Reads the pages of a damaged SQLite file without SQLite: from its log first, then from the file. Follows
// https://www.sqlite.org/fileformat2.html.
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { hasCode } from "../failure/error-code.ts";
import { SQLITE_HEADER } from "./schema.ts";

const DEFAULT_PAGE_BYTES = 4096;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const WAL_MAGIC = 0x377f0682;
/** Number of pages kept in memory. */
const CACHE_PAGES = 2048;

interface Log {
  readonly handle: number;
  readonly pageBytes: number;
  /** By page: the offset of its last committed version. */
  readonly at: ReadonlyMap<number, number>;
  /** Number of pages of the database after the last commit; 0 if there was none. */
  readonly pages: number;
}

export class PageFile {
  readonly pageBytes: number;
  /** Usable size of a page, bytes. */
  readonly usableBytes: number;
  /** Number of the last page. */
  readonly pages: number;
  readonly #handle: number;
  readonly #log: Log | undefined;
  readonly #cache = new Map<number, Buffer>();

  private constructor(handle: number, pageBytes: number | undefined, log: Log | undefined) {
    this.#handle = handle;
    this.#log = log;
    this.pageBytes = log?.pageBytes ?? pageBytes ?? DEFAULT_PAGE_BYTES;
    const filePages = Math.ceil(fstatSync(handle).size / this.pageBytes);
    this.pages = Math.max(filePages, log?.pages ?? 0);
    const reserved = isHeader(this.#page(1)) ? this.#page(1).readUInt8(20) : 0;
    this.usableBytes = this.pageBytes - reserved;
  }

  /** Opens `path` and the log next to it. The caller closes it. */
  static open(path: string): PageFile {
    const handle = openSync(path, "r");
    let log: Log | undefined;
    try {
      const pageBytes = pageBytesOf(readAt(handle, 0, 100));
      log = openLog(`${path}-wal`, pageBytes);
      return new PageFile(handle, pageBytes, log);
    } catch (error) {
      closeSync(handle);
      if (log !== undefined) closeSync(log.handle);
      throw error;
    }
  }

  /** Returns a page, 1 being the first; undefined if it does not exist. */
  page(number: number): Buffer | undefined {
    if (!Number.isInteger(number) || number < 1 || number > this.pages) return undefined;
    return this.#page(number);
  }

  /** Whether the first page starts like that of an SQLite file. */
  get hasHeader(): boolean {
    const first = this.page(1);
    return first !== undefined && isHeader(first);
  }

  close(): void {
    closeSync(this.#handle);
    if (this.#log !== undefined) closeSync(this.#log.handle);
  }

  #page(number: number): Buffer {
    const known = this.#cache.get(number);
    if (known !== undefined) return known;
    const inLog = this.#log?.at.get(number);
    const page =
      this.#log !== undefined && inLog !== undefined
        ? readAt(this.#log.handle, inLog, this.pageBytes)
        : readAt(this.#handle, (number - 1) * this.pageBytes, this.pageBytes);
    if (this.#cache.size >= CACHE_PAGES) this.#cache.clear();
    this.#cache.set(number, page);
    return page;
  }
}

function isHeader(page: Buffer): boolean {
  return page.toString("latin1", 0, SQLITE_HEADER.length) === SQLITE_HEADER;
}

function pageBytesOf(header: Buffer): number | undefined {
  if (!isHeader(header)) return undefined;
  const noted = header.readUInt16BE(16);
  const bytes = noted === 1 ? 65_536 : noted;
  return isPageSize(bytes) ? bytes : undefined;
}

function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes));
}

/** Reads bytes at a position of a file. Bytes beyond its end, or that cannot be read, are zero. */
function readAt(handle: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  try {
    readSync(handle, buffer, 0, length, position);
  } catch (error) {
    // The disk cannot read a sector: the rest of the file may still be readable.
    if (!hasCode(error, "EIO")) throw error;
  }
  return buffer;
}

/** Opens the committed part of a log: like SQLite, up to the first frame with a wrong checksum. */
function openLog(path: string, expectedPageBytes: number | undefined): Log | undefined {
  if (!existsSync(path)) return undefined;
  const handle = openSync(path, "r");
  let log: Log | undefined;
  try {
    log = readLog(handle, expectedPageBytes);
    return log;
  } finally {
    if (log === undefined) closeSync(handle);
  }
}

/** Returns undefined if the file is not the log of a database with such pages. */
function readLog(handle: number, expectedPageBytes: number | undefined): Log | undefined {
  const header = readAt(handle, 0, WAL_HEADER_BYTES);
  const pageBytes = header.readUInt32BE(8);
  const isLog = (header.readUInt32BE(0) & ~1) >>> 0 === WAL_MAGIC && isPageSize(pageBytes);
  let sum: Sum = [0, 0];
  const bigEndian = (header.readUInt32BE(0) & 1) === 1;
  if (isLog) sum = checksum(header.subarray(0, 24), sum, bigEndian);
  const whole = isLog && (expectedPageBytes ?? pageBytes) === pageBytes && isSum(header, 24, sum);
  if (!whole) return undefined;
  const salt = header.subarray(16, 24);
  const committed = new Map<number, number>();
  let open = new Map<number, number>();
  let pages = 0;
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const end = fstatSync(handle).size;
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= end; at += frameBytes) {
    const frame = readAt(handle, at, frameBytes);
    if (!frame.subarray(8, 16).equals(salt)) break;
    sum = checksum(frame.subarray(0, 8), sum, bigEndian);
    sum = checksum(frame.subarray(FRAME_HEADER_BYTES), sum, bigEndian);
    if (!isSum(frame, 16, sum)) break;
    open.set(frame.readUInt32BE(0), at + FRAME_HEADER_BYTES);
    const sizeAfterCommit = frame.readUInt32BE(4);
    if (sizeAfterCommit === 0) continue;
    for (const [page, place] of open) committed.set(page, place);
    open = new Map();
    pages = sizeAfterCommit;
  }
  return { handle, pageBytes, at: committed, pages };
}

type Sum = readonly [number, number];

function isSum(buffer: Buffer, at: number, [first, second]: Sum): boolean {
  return buffer.readUInt32BE(at) === first && buffer.readUInt32BE(at + 4) === second;
}

function checksum(bytes: Buffer, [before, beside]: Sum, bigEndian: boolean): Sum {
  let first = before;
  let second = beside;
  for (let at = 0; at < bytes.length; at += 8) {
    const a = bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    const b = bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4);
    first = (first + a + second) >>> 0;
    second = (second + b + first) >>> 0;
  }
  return [first, second];
}
