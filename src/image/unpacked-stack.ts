// Unpacks a gzip-compressed stack once for all its pages, because gzip cannot be read from the middle. It goes into a file
// without a name. That file takes disk space but no memory, and disappears when this process ends, even after a crash.
import type { BigIntStats } from "node:fs";
import { constants, createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type ConfinedFile, descriptorPath } from "../system/confined-file.ts";
import { GZIPPED } from "../system/numbered-name.ts";
import { isFlatName } from "./flat-stack.ts";
import { formatOf } from "./format.ts";
import { type ByteSource, bytesAt, sourceOfFile } from "./tiff/byte-source.ts";
import type { TiffSeries } from "./tiff/series.ts";
import { readSeries } from "./tiff/series-cache.ts";
import { firstUnpacked, isPacked } from "./unpack.ts";

/** Linux's flag for a file without a name in a directory; Node has no name for it. */
const NAMELESS = constants.O_DIRECTORY | 0o20000000;
const HEAD_BYTES = 4096;

interface UnpackedStack {
  readonly source: ByteSource;
  /** Undefined if it is not a TIFF. */
  readonly series: TiffSeries | undefined;
}

interface Kept extends UnpackedStack {
  readonly key: string;
  readonly handle: FileHandle;
}

/** One is enough: a thread measures the pages of one file after another. */
let kept: Kept | undefined;

let before: Promise<unknown> = Promise.resolve();

/**
 * Unpacks an open gzip file that contains a TIFF and runs `use` on the content. `status` is the file's status. Returns
 * undefined for any other file. The last content is kept, and only one call at a time uses it. Throws Failure
 * `frame.unreadable` if the file is damaged, and what `use` throws; disk errors pass through.
 */
export function withUnpackedStack<T>(
  file: ConfinedFile,
  status: BigIntStats,
  where: string,
  use: (stack: UnpackedStack) => Promise<T>,
): Promise<T | undefined> {
  const work = async () => {
    const stack = await unpackedStack(file, status, where);
    return stack === undefined ? undefined : use(stack);
  };
  const mine = before.then(work);
  // The next call runs even if this one fails; only its own caller gets the error.
  before = mine.catch(() => undefined);
  return mine;
}

async function unpackedStack(
  file: ConfinedFile,
  status: BigIntStats,
  where: string,
): Promise<UnpackedStack | undefined> {
  const { dev, ino, size, mtimeNs } = status;
  const key = [dev, ino, size, mtimeNs].join(" ");
  if (kept?.key === key) return kept;
  const head = await bytesAt(sourceOfFile(file.handle, file.bytes), 0, HEAD_BYTES);
  if (!isPacked(head)) return undefined;
  if (!isFlatName(file.path) && formatOf(await firstUnpacked(head)) !== "TIFF") return undefined;
  await kept?.handle.close();
  kept = undefined;
  const handle = await namelessFile(dirname(file.path));
  try {
    await unpack(file, handle, where);
    const source = sourceOfFile(handle, (await handle.stat()).size);
    kept = { key, handle, source, series: await readSeries(source, file.path.replace(GZIPPED, "")) };
    return kept;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function unpack({ handle }: ConfinedFile, target: FileHandle, where: string): Promise<void> {
  // Opened again, because a stream of a handle that stays open does not report when it is done.
  const from = createReadStream(descriptorPath(handle), { highWaterMark: 2 ** 18 });
  const to = createWriteStream(descriptorPath(target), { flags: "r+" });
  try {
    await pipeline(from, createGunzip({ chunkSize: 2 ** 18 }), to);
  } catch (error) {
    if (errorCode(error)?.startsWith("Z_") !== true) throw error;
    throw new Failure("frame.unreadable", `${where}: the gzip file is damaged or incomplete`, {
      hint: "the file was not written or copied completely; copy it again",
      cause: error,
    });
  }
}

/** Creates a file without a name, next to the stack if possible. */
async function namelessFile(directory: string): Promise<FileHandle> {
  try {
    return await open(directory, NAMELESS | constants.O_RDWR, 0o600);
  } catch (error) {
    // The directory is read-only, or its file system does not support such files: use the temporary directory.
    if (errorCode(error) === undefined) throw error;
  }
  const temporary = await mkdtemp(join(tmpdir(), "phorest-stack-"));
  try {
    return await open(join(temporary, "stack"), "wx+", 0o600);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
