// Reads times inside an image file. Sources in order: Micro-Manager metadata, OME-XML, ImageJ's description, EXIF. For a gzip
// file it reads those of the packed picture.
import type { BigIntStats } from "node:fs";
import { errorCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import {
  type ConfinedFile,
  type NamedFile,
  readOpened,
  withConfinedFile,
  withFileDirectlyIn,
} from "../../system/confined-file.ts";
import { TIFF_ENDING } from "../../system/numbered-name.ts";
import { y4mIntervalUs } from "../flat-stack.ts";
import { kindNotes } from "../named-kind.ts";
import type { PageInfo } from "../pages.ts";
import { sourceOfBytes, sourceOfFile } from "../tiff/byte-source.ts";
import type { TiffSeries } from "../tiff/series.ts";
import { knownSeries } from "../tiff/series-cache.ts";
import { isPacked, MAX_BYTES, unpacked } from "../unpack.ts";
import { withUnpackedStack } from "../unpacked-stack.ts";
import { exifTime, tiffTime } from "./exif.ts";
import { descriptionOf, directoryAt, firstDirectory, type HeadSource, type OpenDirectory, withHead } from "./head.ts";
import { imagejPages, isImagej } from "./imagej.ts";
import { micromanagerPages, type SeriesBegin, seriesBegin } from "./micro-manager-pages.ts";
import { omePages } from "./ome.ts";
import { nameOf, omeDocument } from "./ome-companion.ts";
import { isOme } from "./ome-xml.ts";
import type { Stated, TimeSource } from "./source.ts";
import { type StatedSize, sizeNotes } from "./stated-size.ts";

/** What a source states, with its name. */
export interface Sourced {
  readonly source: TimeSource;
  readonly stated: Stated;
}

/** Times of the pages, and the date of the file itself. Times that count from the start of a series get their date from it. */
export interface Embedded {
  readonly pages: Sourced | undefined;
  readonly date: number | undefined;
  /** Number of pages in the file; 1 if they were not counted. */
  readonly total: number;
  /** The file ends before its last page; this is reported when its pages are read. */
  readonly isCut: boolean;
  /** Lines about the kind of the file. */
  readonly kindNotes: readonly string[];
}

/** A further file of a series that Micro-Manager split. */
const SPLIT = new RegExp(`_\\d+((?:\\.ome)?${TIFF_ENDING}(?:\\.gz)?)$`, "i");

/**
 * Returns what a file states about the times of its pages. `pages` is undefined for a single picture. The file is directly in
 * its directory. Failures as withConfinedFile; `frame.unreadable` for unsupported XML. Disk errors pass through.
 */
export async function embeddedTimes(file: NamedFile, pages: readonly PageInfo[] | undefined): Promise<Embedded> {
  const begin = await beginOfSplit(file);
  return withContent(file, withFileDirectlyIn, async ({ source, series }) => ({
    ...(await timesInside(file, source, series, begin, pages)),
    kindNotes: kindNotes(file.path, source.head),
  }));
}

/** The content of a file without gzip; `series` lists its pages if it is a TIFF. */
interface Content {
  readonly source: HeadSource;
  readonly series: () => Promise<TiffSeries | undefined>;
}

/**
 * Opens a file with `open`, and calls `use` with its content. Do not nest calls: only one at a time can use the unpacked
 * content.
 */
async function withContent<T>(
  { directory, path, followLinks = false }: NamedFile,
  open: typeof withFileDirectlyIn,
  use: (content: Content) => Promise<T>,
): Promise<T> {
  const useFile = async (file: ConfinedFile) => {
    const { handle, bytes } = file;
    const status = () => handle.stat({ bigint: true });
    const found = await withHead(sourceOfFile(handle, bytes), async (source) =>
      isPacked(source.head)
        ? undefined
        : { result: await use({ source, series: async () => knownSeries(await status(), source, path) }) },
    );
    return found === undefined ? unpackedContent(file, await status(), use) : found.result;
  };
  return open(directory, path, useFile, { followLinks });
}

/** Does what withContent does, for an open gzip file. */
async function unpackedContent<T>(
  file: ConfinedFile,
  status: BigIntStats,
  use: (content: Content) => Promise<T>,
): Promise<T> {
  const ofStack = await withUnpackedStack(file, status, file.path, async ({ source, series }) => ({
    result: await withHead(source, (head) => use({ source: head, series: async () => series })),
  }));
  if (ofStack !== undefined) return ofStack.result;
  const plain = await unpacked(await readOpened(file, MAX_BYTES), file.path);
  return withHead(sourceOfBytes(plain), (source) => use({ source, series: async () => undefined }));
}

async function timesInside(
  file: NamedFile,
  source: HeadSource,
  seriesOf: Content["series"],
  begin: SeriesBegin | undefined,
  pages: readonly PageInfo[] | undefined,
): Promise<Omit<Embedded, "kindNotes">> {
  // A TIFF needs its directories. Other kinds are recognised by their first bytes.
  const first = isTiff(source.head) ? await firstDirectory(source) : undefined;
  if (first === undefined) {
    const isAlone = { date: undefined, total: 1, isCut: false };
    const intervalUs = y4mIntervalUs(source.head);
    if (intervalUs === undefined) return { pages: named("exif", await exifTime(source)), ...isAlone };
    const us = (pages ?? [{ index: 0 }]).map(({ index }) => Math.round(index * intervalUs));
    // Only the name can date them.
    return { pages: named("name", { us, relative: true, notes: [] }), ...isAlone };
  }
  const series = pages === undefined ? undefined : await seriesOf();
  const places = new Map(series?.pages.map(({ index, at }) => [index, at]));
  const directories = async function* () {
    if (pages === undefined) yield first;
    for (const { index } of pages ?? []) {
      const at = places.get(index);
      yield at === undefined ? undefined : await directoryAt(source, first.layout, at);
    }
  };
  const total = 1 + (series?.pages.at(-1)?.index ?? 0);
  const isCut = series !== undefined && series.leftOut.length > 0;
  const chosen = { chosen: pages?.map(({ index }) => index) ?? [0], total, isCut };
  return { ...(await ofTiff(file, { first, begin }, chosen, directories)), total, isCut };
}

const isTiff = (head: Buffer): boolean => head.length > 2 && /^(?:II|MM)/.test(head.toString("latin1", 0, 2));

async function ofTiff(
  file: NamedFile,
  { first, begin }: { readonly first: OpenDirectory; readonly begin: SeriesBegin | undefined },
  { chosen, total, isCut }: Pick<Embedded, "total" | "isCut"> & { readonly chosen: readonly number[] },
  directories: () => AsyncGenerator<OpenDirectory | undefined>,
): Promise<Pick<Embedded, "pages" | "date">> {
  const ofPages = await exifPages(directories());
  // The date of the first page counts for the file: the chosen pages may have none.
  const ofFile = ofPages === undefined && chosen[0] !== 0 ? await tiffTime(first) : undefined;
  const dates = ofPages ?? (ofFile && datedByFirst(ofFile, chosen));
  const date = ofPages?.us.find((time) => time !== undefined);
  const ofManager = await micromanagerPages(directories(), begin ?? (() => seriesBegin(first)));
  if (ofManager !== undefined) return { pages: named("micro-manager", ofManager), date };
  const description = (await descriptionOf(first)) ?? "";
  // The times below are for all pages of the file.
  const ofChosen = (stated: Stated | undefined) => stated && { ...stated, us: chosen.map((page) => stated.us[page]) };
  const dateIn = (all: Stated | undefined) => (ofFile === undefined ? date : dateOfChosen(ofFile, all, chosen));
  const allOme = isOme(description) ? await omeTimes(file, description, { total, isCut }, first) : undefined;
  const ofOme = ofChosen(allOme);
  const hasTimes = ofOme?.us.some((time) => time !== undefined) === true;
  if (ofOme !== undefined && (hasTimes || dates === undefined))
    return { pages: named("ome", ofOme), date: dateIn(allOme) };
  const allImagej = isImagej(description) ? imagejPages(description, total, isCut) : undefined;
  const ofImagej = ofChosen(allImagej);
  if (ofImagej !== undefined) return { pages: named("imagej", ofImagej), date: dateIn(allImagej) };
  const notes = [...(ofOme?.notes ?? []), ...(dates?.notes ?? [])];
  return { pages: named("exif", dates && { ...dates, notes }), date };
}

/** Assumed distance of pages without a known interval, as for a file that is read whole. */
const NO_INTERVAL_US = 1_000_000;

/** The times of the chosen pages of a file whose first page alone has a date, and which has no other time. */
function datedByFirst({ us: [us], ...stated }: Stated, chosen: readonly number[]): Stated {
  const first = us === undefined ? undefined : us + (chosen[0] ?? 0) * NO_INTERVAL_US;
  return { ...stated, us: chosen.map((_, at) => (at === 0 ? first : undefined)) };
}

/** The date of the first chosen page with a time, from the date of the first page and the times `all` of all pages since the start. */
function dateOfChosen({ us: [us] }: Stated, all: Stated | undefined, chosen: readonly number[]): number | undefined {
  const since = chosen.map((page) => all?.us[page]).find((time) => time !== undefined);
  return us === undefined ? undefined : us + (since ?? 0) - (all?.us[0] ?? 0);
}

const named = (source: TimeSource, stated: Stated | undefined): Sourced | undefined => stated && { source, stated };

/** Returns the date of each page, if it has one. */
async function exifPages(directories: AsyncIterable<OpenDirectory | undefined>): Promise<Stated | undefined> {
  const us: (number | undefined)[] = [];
  const notes = new Set<string>();
  for await (const directory of directories) {
    const stated = directory === undefined ? undefined : await tiffTime(directory);
    us.push(stated?.us[0]);
    for (const note of stated?.notes ?? []) notes.add(note);
    // If the first page has no date, no other page has one.
    if (us.length === 1 && us[0] === undefined) return undefined;
  }
  return us.length === 0 ? undefined : { us, relative: false, notes: [...notes] };
}

/** Returns how the series of a further file begins; undefined if the series begins with the file itself. */
async function beginOfSplit({ directory, path, followLinks = false }: NamedFile): Promise<SeriesBegin | undefined> {
  const first = path.replace(SPLIT, "$1");
  if (first === path) return undefined;
  const read = async ({ source }: Content) => {
    const opened = isTiff(source.head) ? await firstDirectory(source) : undefined;
    return opened === undefined ? undefined : seriesBegin(opened);
  };
  return withContent({ directory, path: first, followLinks }, withConfinedFile, read).catch((error: unknown) => {
    // The first file may be gone, or cannot be opened: then the series begins here.
    if (!(error instanceof Failure)) throw error;
    return undefined;
  });
}

async function omeTimes(
  file: NamedFile,
  xml: string,
  { total, isCut }: Pick<Embedded, "total" | "isCut">,
  first: OpenDirectory,
): Promise<Stated | undefined> {
  const document = await omeDocument(file, xml);
  const stated = document === undefined ? undefined : omePages(document, nameOf(file), total, isCut);
  const sizes = await sizeNotes("the OME-XML says", document?.images[0]?.size, first);
  return stated && { ...stated, notes: [...sizes, ...stated.notes] };
}

/** Returns a line if the size of a file with one image differs from the metadata next to it. */
export async function sizeNotesOf(file: NamedFile, says: string, stated: StatedSize): Promise<string[]> {
  const read = async ({ source }: Content) => {
    const first = isTiff(source.head) ? await firstDirectory(source) : undefined;
    return first === undefined ? [] : sizeNotes(says, stated, first);
  };
  return withContent(file, withFileDirectlyIn, read).catch((error: unknown) => {
    // An unreadable file is reported when its pixels are read.
    if (!(error instanceof Failure) && errorCode(error) === undefined) throw error;
    return [];
  });
}
