// Reads the bytes of a picture from its file. From a file with several pictures it reads only the requested page, as a file of
// its own. So a stack of any size takes the memory of one picture.
import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import {
  type ConfinedFile,
  type NamedFile,
  readOpened,
  readUnchanged,
  shownPath,
  withConfinedFile,
} from "../system/confined-file.ts";
import { isFlatName } from "./flat-stack.ts";
import { checkSize, reserveMemory } from "./memory.ts";
import { type ByteSource, bytesAt, sourceOfFile } from "./tiff/byte-source.ts";
import { readPageFile } from "./tiff/page-file.ts";
import type { TiffPage, TiffSeries } from "./tiff/series.ts";
import { knownSeries } from "./tiff/series-cache.ts";
import { MAX_BYTES } from "./unpack.ts";
import { withUnpackedStack } from "./unpacked-stack.ts";

/** Files up to this size are read as a whole if no page is requested. */
const WHOLE_BYTES = 64 * 2 ** 20;

export interface PictureBytes {
  readonly bytes: Uint8Array;
  /** Number of pictures in the file, if the bytes are only the first of several. */
  readonly pages?: number;
}

/** Returns the name of a picture's file for messages, with the page. */
export function shownFile(file: string | NamedFile): string {
  if (typeof file === "string") return file;
  return shownPath(file) + (file.page === undefined ? "" : `, page ${file.page + 1}`);
}

/**
 * Returns the bytes of a picture file, or of one page of it. Failures `frame.missing`, `frame.unreadable`, and those of
 * withConfinedFile if `file` is a NamedFile; disk errors pass through.
 */
export async function readPicture(
  file: string | NamedFile,
  where: string,
  page = typeof file === "string" ? undefined : file.page,
): Promise<PictureBytes> {
  return withPictureFile(file, async (opened) => {
    const isConfined = typeof file !== "string";
    const isFlat = isFlatName(opened.path);
    if (page === undefined && opened.bytes <= WHOLE_BYTES && !isFlat)
      return { bytes: await readWholeFile(opened, isConfined) };
    const source = sourceOfFile(opened.handle, opened.bytes);
    const read = async (status: BigIntStats) => {
      const series = await knownSeries(status, source, opened.path);
      if (series !== undefined || (page === undefined && !isFlat)) return pageOf(source, series, page, where);
      return withUnpackedStack(opened, status, where, (stack) => pageOf(stack.source, stack.series, page, where));
    };
    const found = await (isConfined ? readUnchanged(opened, read) : read(await opened.handle.stat({ bigint: true })));
    if (found !== undefined) return found;
    const bytes = await readWholeFile(opened, isConfined);
    if (page === undefined || page === 0) return { bytes };
    throw unreadable(where, "the file has only one picture", "name page 1, or no page");
  });
}

/** Opens a picture's file and calls `use` with it. Failures as readPicture. */
export async function withPictureFile<T>(
  file: string | NamedFile,
  use: (file: ConfinedFile) => Promise<T>,
): Promise<T> {
  if (typeof file === "string") return withPath(file, use);
  const { directory, path, page: _, ...options } = file;
  try {
    return await withConfinedFile(directory, path, use, options);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "file.missing") throw error;
    throw missing(join(directory, path), error);
  }
}

/** Returns the bytes of a file that the user named. Throws as readPicture does. */
export function readWhole(path: string): Promise<Uint8Array> {
  return withPath(path, (opened) => readWholeFile(opened, false));
}

async function withPath<T>(path: string, use: (file: ConfinedFile) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const status = await handle.stat();
    if (!status.isFile()) throw unreadable(path, "not a file", "name an image file");
    return await use({ handle, path, bytes: status.size });
  } catch (error) {
    if (hasCode(error, "ENOENT")) throw missing(path, error);
    throw error;
  } finally {
    await handle?.close();
  }
}

async function readWholeFile(file: ConfinedFile, isConfined: boolean): Promise<Uint8Array> {
  if (isConfined) return readOpened(file, MAX_BYTES);
  const { handle, path, bytes } = file;
  if (bytes > MAX_BYTES) throw unreadable(path, `${bytes} bytes are too many for an image`, "check what wrote it");
  // The file may shrink in the meantime.
  return bytesAt(sourceOfFile(handle, bytes), 0, bytes);
}

/**
 * Returns a page of a TIFF as a file of its own; undefined if the directory cannot be read. The decoder then gives a better
 * error.
 */
async function pageOf(
  source: ByteSource,
  series: TiffSeries | undefined,
  page: number | undefined,
  where: string,
): Promise<PictureBytes | undefined> {
  if (series === undefined) return undefined;
  const found = pageAt(series, page ?? 0);
  if (found === undefined) throw notThere(series, page ?? 0, where);
  const { width, height, bits } = found;
  checkSize({ width, height, channels: 1, bytesPerSample: Math.max(1, bits / 8), buffered: true }, where);
  const bytes = await readPageFile(source, series.layout, found, where, (size) => {
    if (size > MAX_BYTES) throw unreadable(where, `${size} bytes are too many for an image`, "check what wrote it");
    // As with a separate file, a small page is read before the memory for decoding is reserved.
    if (size > WHOLE_BYTES) reserveMemory(size, where);
  });
  return page === undefined && series.count > 1 ? { bytes, pages: series.count } : { bytes };
}

/** Returns the page with this number. Usually its index is the same; it is lower if pages before it are cut off. */
function pageAt({ pages }: TiffSeries, number: number): TiffPage | undefined {
  const page = pages[number];
  return page?.index === number ? page : pages.find(({ index }) => index === number);
}

function notThere({ count, leftOut }: TiffSeries, page: number, where: string): Failure {
  const [damage] = leftOut;
  if (damage !== undefined)
    return unreadable(where, damage, "the file was not written or copied completely; copy it again");
  return unreadable(where, `there is no page ${page + 1}; the file has ${count}`, "name another page");
}

function missing(path: string, cause: unknown): Failure {
  return new Failure("frame.missing", `${path}: no such file`, { hint: "check the name, or restore the file", cause });
}

function unreadable(where: string, what: string, hint: string): Failure {
  return new Failure("frame.unreadable", `${where}: ${what}`, { hint });
}
