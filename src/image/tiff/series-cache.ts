// Caches the list of pictures of the most recent files, so that reading the pages of a stack one by one does not follow the
// chain of directories each time. A file that has changed is read again.
import type { BigIntStats } from "node:fs";
import { GZIPPED } from "../../system/numbered-name.ts";
import { readFlatSeries } from "../flat-stack.ts";
import type { ByteSource } from "./byte-source.ts";
import { readTiffSeries, type TiffSeries } from "./series.ts";

/** Number of cached files. A thread measures pages of one file, or of a few files in turn. */
const MOST_FILES = 4;

const known = new Map<string, TiffSeries>();

/**
 * Returns the pictures of an open TIFF file, or of a stack without directories (recognised by `name`). `status` is the status
 * of the file. Undefined for other files. Failures as readFlatSeries.
 */
export async function knownSeries(
  status: BigIntStats,
  source: ByteSource,
  name: string,
): Promise<TiffSeries | undefined> {
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  const key = [dev, ino, size, mtimeNs, ctimeNs, name].join(" ");
  const series = known.get(key) ?? (await readSeries(source, name));
  if (series === undefined) return undefined;
  // The most recently used entry is the last.
  known.delete(key);
  known.set(key, series);
  const [oldest] = known.keys();
  if (known.size > MOST_FILES && oldest !== undefined) known.delete(oldest);
  return series;
}

/** Does the same without the cache. */
export async function readSeries(source: ByteSource, name: string): Promise<TiffSeries | undefined> {
  return (await readTiffSeries(source)) ?? (GZIPPED.test(name) ? undefined : readFlatSeries(source, name));
}
