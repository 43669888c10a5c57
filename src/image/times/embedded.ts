// Times inside an image file: Micro-Manager metadata, OME-XML, ImageJ's description, EXIF; in this order.
import type { FileHandle } from "node:fs/promises";
import { Failure } from "../../failure/failure.ts";
import { type ConfinedFile, type NamedFile, withConfinedFile, withFileDirectlyIn } from "../../system/confined-file.ts";
import type { PageInfo } from "../pages.ts";
import { type ByteSource, sourceOfFile } from "../tiff/byte-source.ts";
import { knownSeries } from "../tiff/series-cache.ts";
import { exifTime, tiffTime } from "./exif.ts";
import { descriptionOf, directoryAt, firstDirectory, type HeadSource, type OpenDirectory, withHead } from "./head.ts";
import { imagejPages, isImagej } from "./imagej.ts";
import { micromanagerPages } from "./micro-manager-pages.ts";
import { isOme, omePages } from "./ome.ts";
import { nameOf, omeDocument } from "./ome-companion.ts";
import type { Stated, TimeSource } from "./source.ts";

/** What a source says, with its name. */
export interface Sourced {
  readonly source: TimeSource;
  readonly stated: Stated;
}

/** Times of the pages, and the date of the file itself, which dates times that count from the start. */
export interface Embedded {
  readonly pages: Sourced | undefined;
  readonly date: number | undefined;
  /** Pages of the file; 1 where that was not looked at. */
  readonly total: number;
}

/** A further file of a series that Micro-Manager split. */
const SPLIT = /_\d+((?:\.ome)?\.tiff?)$/i;

/**
 * What a file says about the times of its pages (undefined: it is one picture). The file is directly in its directory.
 * Failures as withConfinedFile; `frame.unreadable` for XML that is not read. Errors of the disk pass through.
 */
export async function embeddedTimes(file: NamedFile, pages: readonly PageInfo[] | undefined): Promise<Embedded> {
  const { directory, path, followLinks = false } = file;
  const use = ({ handle, bytes }: ConfinedFile) =>
    withHead(sourceOfFile(handle, bytes), (source) => timesInside(file, source, handle, pages));
  return withFileDirectlyIn(directory, path, use, { followLinks });
}

async function timesInside(
  file: NamedFile,
  source: HeadSource,
  handle: FileHandle,
  pages: readonly PageInfo[] | undefined,
): Promise<Embedded> {
  // TIFF needs its directories; others show in their first bytes what they are.
  const first = isTiff(source.head) ? await firstDirectory(source) : undefined;
  if (first === undefined) return { pages: named("exif", await exifTime(source)), date: undefined, total: 1 };
  const series =
    pages === undefined ? undefined : await knownSeries(await handle.stat({ bigint: true }), source, file.path);
  const places = new Map(series?.pages.map(({ index, at }) => [index, at]));
  const directories = async function* () {
    if (pages === undefined) yield first;
    for (const { index } of pages ?? []) {
      const at = places.get(index);
      yield at === undefined ? undefined : await directoryAt(source, first.layout, at);
    }
  };
  const total = 1 + (series?.pages.at(-1)?.index ?? 0);
  return {
    ...(await ofTiff(file, first, { chosen: pages?.map(({ index }) => index) ?? [0], total }, directories)),
    total,
  };
}

const isTiff = (head: Buffer): boolean => head.length > 2 && /^(?:II|MM)/.test(head.toString("latin1", 0, 2));

async function ofTiff(
  file: NamedFile,
  first: OpenDirectory,
  { chosen, total }: { readonly chosen: readonly number[]; readonly total: number },
  directories: () => AsyncGenerator<OpenDirectory | undefined>,
): Promise<Omit<Embedded, "total">> {
  const dates = await exifPages(directories());
  const date = dates?.us.find((time) => time !== undefined);
  const ofManager = await withFirstOfSplit(file, first.source, (begin) => micromanagerPages(directories(), begin));
  if (ofManager !== undefined) return { pages: named("micro-manager", ofManager), date };
  const description = (await descriptionOf(first)) ?? "";
  // These count the pages of the whole file.
  const ofChosen = (stated: Stated | undefined) => stated && { ...stated, us: chosen.map((page) => stated.us[page]) };
  if (isOme(description)) {
    const stated = ofChosen(await omeTimes(file, description, total));
    if (stated !== undefined) return { pages: named("ome", stated), date };
  }
  const ofImagej = isImagej(description) ? ofChosen(imagejPages(description, total)) : undefined;
  if (ofImagej !== undefined) return { pages: named("imagej", ofImagej), date };
  return { pages: named("exif", dates), date };
}

const named = (source: TimeSource, stated: Stated | undefined): Sourced | undefined => stated && { source, stated };

/** The date of each page, as far as it has one. */
async function exifPages(directories: AsyncIterable<OpenDirectory | undefined>): Promise<Stated | undefined> {
  const us: (number | undefined)[] = [];
  const notes = new Set<string>();
  for await (const directory of directories) {
    const stated = directory === undefined ? undefined : await tiffTime(directory);
    us.push(stated?.us[0]);
    for (const note of stated?.notes ?? []) notes.add(note);
    // Where the first page has no date, no other has one.
    if (us.length === 1 && us[0] === undefined) return undefined;
  }
  return us.length === 0 ? undefined : { us, relative: false, notes: [...notes] };
}

/** Calls `use` with the first file of a series that was split over several, or with the file itself. */
async function withFirstOfSplit<T>(
  { directory, path, followLinks = false }: NamedFile,
  source: ByteSource,
  use: (first: ByteSource) => Promise<T>,
): Promise<T> {
  const first = path.replace(SPLIT, "$1");
  if (first === path) return use(source);
  const opened = withConfinedFile(directory, first, ({ handle, bytes }) => withHead(sourceOfFile(handle, bytes), use), {
    followLinks,
  });
  return opened.catch((error: unknown) => {
    // It may be gone, or not to be opened: then the series begins here.
    if (!(error instanceof Failure)) throw error;
    return use(source);
  });
}

async function omeTimes(file: NamedFile, xml: string, pages: number): Promise<Stated | undefined> {
  const document = await omeDocument(file, xml);
  return document === undefined ? undefined : omePages(document, nameOf(file), pages);
}
