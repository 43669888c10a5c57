// The pictures of the files that were read last, so that reading all pages of a stack one by one does not follow the chain
// of its directories again for each. A file that was written to since is read again.
import type { BigIntStats } from "node:fs";
import { GZIPPED } from "../../system/numbered-name.ts";
import { readFlatSeries } from "../flat-stack.ts";
import type { ByteSource } from "./byte-source.ts";
import { readTiffSeries, type TiffSeries } from "./series.ts";

/** A thread measures pages of one file, or of a few files in turn. */
const MOST_FILES = 4;

const known = new Map<string, TiffSeries>();

/**
 * The pictures of an open TIFF file or stack without directories, whose status is `status`; `name` decides for the latter.
 * Undefined for other files. Failures as readFlatSeries.
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
  // The one that was used last stands last.
  known.delete(key);
  known.set(key, series);
  const [oldest] = known.keys();
  if (known.size > MOST_FILES && oldest !== undefined) known.delete(oldest);
  return series;
}

/** The same, always read. */
export async function readSeries(source: ByteSource, name: string): Promise<TiffSeries | undefined> {
  return (await readTiffSeries(source)) ?? (GZIPPED.test(name) ? undefined : readFlatSeries(source, name));
}
