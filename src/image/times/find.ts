// Finds the most reliable source of the times of a file. In order: the user's table, the name of phorest's own captures,
// Micro-Manager, OME-XML, ImageJ, EXIF, the user's name pattern.
import { join } from "node:path";
import { errorCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import type { NamedFile } from "../../system/confined-file.ts";
import type { NamePattern } from "../../system/name-pattern.ts";
import type { PageInfo } from "../pages.ts";
import { type Embedded, embeddedTimes, type Sourced } from "./embedded.ts";
import type { Described, MetadataDirectory } from "./metadata-txt.ts";
import { timeOf } from "./micro-manager.ts";
import { ownNameTime, patternTime } from "./names.ts";
import { plausibleTimes } from "./plausible.ts";
import type { Stated } from "./source.ts";
import type { TimeTable } from "./table.ts";

/** A file whose times are needed. */
export interface TimedFile extends Pick<NamedFile, "directory" | "followLinks"> {
  readonly name: string;
  /** Modification time, microseconds since the epoch. */
  readonly modifiedUs: number;
  /** Changes whenever the file is written. */
  readonly version: string;
}

/** The times that were found for a file. */
export interface Found extends Sourced {
  /** Files of the same series count from the same start; undefined if the file is a series of its own. */
  readonly series: string | undefined;
  /** Date of the first page that has a time, for times without a date; microseconds since the epoch. */
  readonly date: number | undefined;
  /** What the next source states, for pages that this source does not cover. */
  readonly next?: Found | undefined;
}

/** Where to look. */
export interface Sources {
  readonly table: TimeTable | undefined;
  readonly pattern: NamePattern | undefined;
  /** The metadata.txt files next to the file. */
  readonly metadata: MetadataDirectory;
}

export const GUESSED =
  "no capture time found; phorest guesses it from the time of modification, which copying may change";
/** Series name for elapsed times in names and tables. */
const BY_USER = "user";

/**
 * Returns what the best source states about the pages of a file. `pages` is undefined for a single picture, or if only the
 * first page is needed. Errors while reading the file become notes.
 */
export async function findTimes(
  file: TimedFile,
  pages: readonly PageInfo[] | undefined,
  sources: Sources,
): Promise<Found> {
  const path = join(file.directory, file.name);
  const stated = sources.table?.timesOf(path, pages?.map(({ index }) => index) ?? [0]);
  if (stated === undefined) return withoutTable(file, pages, sources);
  const isWhole = stated.us.every((time) => time !== undefined);
  const ofTable: Found = { source: "table", stated, series: BY_USER, date: undefined };
  if (isWhole && !stated.relative) return ofTable;
  return isWhole || stated.us.some((time) => time !== undefined)
    ? completed(ofTable, await withoutTable(file, pages, sources))
    : withoutTable(file, pages, sources);
}

/**
 * Combines the user's times with those of the next source, which supplies the date of elapsed times, and the times of pages
 * without a row.
 */
function completed(ofTable: Found, other: Found): Found {
  // A guess from the modification time is no better than one from the pages with a known time.
  if (other.source === "file") return ofTable;
  const { stated, series } = ofTable;
  const page = stated.us.findIndex((time, at) => time !== undefined && other.stated.us[at] !== undefined);
  const [ofUser, ofOther] = [stated.us[page], other.stated.us[page]];
  if (ofUser === undefined || ofOther === undefined) {
    return { ...ofTable, date: stated.relative ? other.date : undefined, next: other };
  }
  if (!other.stated.relative) {
    const [first = ofUser] = stated.us.filter((time) => time !== undefined);
    return { ...ofTable, date: stated.relative ? ofOther - ofUser + first : undefined, next: other };
  }
  // Both count from their own start. One page with both times gives the difference of the starts.
  const us = other.stated.us.map((time) => (time === undefined ? undefined : time - ofOther + ofUser));
  const date = stated.relative ? other.date : undefined;
  const aligned = { ...other.stated, us, relative: stated.relative };
  return { ...ofTable, date, next: { ...other, stated: aligned, series, date } };
}

async function withoutTable(
  file: TimedFile,
  pages: readonly PageInfo[] | undefined,
  { pattern, metadata }: Omit<Sources, "table">,
): Promise<Found> {
  const { name } = file;
  const count = pages?.length ?? 1;
  const ownName = ownNameTime(name);
  const named = (pattern === undefined ? undefined : patternTime(name, pattern)) ?? ownName;
  if (ownName !== undefined && count === 1) return ofName(named ?? ownName);
  const described = metadata.describe(name);
  const series = `metadata ${file.directory}`;
  // A stack states itself which page is which.
  const separate = count === 1 && described !== undefined ? ofMetadata(described, pages, ONE_IMAGE) : undefined;
  if (separate !== undefined) return { ...separate, series, date: undefined };
  // Its own time does not fit the rest of its series, so a guess from the series is better.
  if (count === 1 && described !== undefined) return nothing(metadata.problems());
  const { inside, notes } = await lookInside(file, pages, metadata.problems());
  const date = inside.date ?? (named?.relative === false ? named.us[0] : undefined);
  const isOwn = described === undefined || inside.pages?.source === "micro-manager";
  const best = (isOwn ? undefined : ofMetadata(described, pages, inside)) ?? inside.pages;
  const isTimed = best?.stated.us.some((time) => time !== undefined) === true;
  if (best !== undefined && (isTimed || named === undefined)) {
    const placed = await metadata.commonStart.placed(best.stated);
    const stated = { ...placed, notes: [...notes, ...placed.notes] };
    return { ...best, stated, series: best.source === "micro-manager" ? series : undefined, date };
  }
  if (named !== undefined) {
    return ofName({ ...named, notes: [...notes, ...(best?.stated.notes ?? []), ...named.notes] });
  }
  return nothing(notes);
}

function nothing(notes: readonly string[]): Found {
  const stated: Stated = { us: [], relative: false, notes: [...notes, GUESSED] };
  return { source: "file", stated, series: undefined, date: undefined };
}

const ONE_IMAGE = { total: 1, isCut: false };

const ofName = (stated: Stated): Found => ({ source: "name", stated, series: BY_USER, date: undefined });

async function lookInside(
  file: TimedFile,
  pages: readonly PageInfo[] | undefined,
  problems: readonly string[],
): Promise<{ readonly inside: Embedded; readonly notes: readonly string[] }> {
  const { directory, name, followLinks = false } = file;
  try {
    const inside = await embeddedTimes({ directory, path: name, followLinks }, pages);
    const { pages: found } = inside;
    const stated = found && { ...found, stated: plausibleTimes(found.stated) };
    return { inside: { ...inside, pages: stated }, notes: [...problems, ...inside.kindNotes] };
  } catch (error) {
    // An unreadable file is reported and handled when its pixels are read.
    const why = error instanceof Failure ? error.message : errorCode(error);
    if (why === undefined) throw error;
    const inside = { pages: undefined, date: undefined, total: pages?.length ?? 1, isCut: false, kindNotes: [] };
    return { inside, notes: [...problems, `its metadata are not used: ${why}`] };
  }
}

/** Returns what metadata.txt states about the pages of a file with `total` pages. */
function ofMetadata(
  { images, series, notes }: Described,
  pages: readonly PageInfo[] | undefined,
  { total, isCut }: Pick<Embedded, "total" | "isCut">,
): Sourced | undefined {
  const at = new Map(images.map((image) => [`${image.frame} ${image.channel} ${image.slice}`, image]));
  // In file order, unless some are missing: then by their position in the series.
  const isWhole = images.length === total || pages === undefined;
  const records = (pages ?? [undefined]).map((page) => {
    if (page === undefined) return images[0]?.record;
    return (isWhole ? images[page.index] : at.get(`${page.time} ${page.channel} ${page.z}`))?.record;
  });
  const us = records.map((record) => (record === undefined ? undefined : timeOf(record, series)));
  if (us.every((time) => time === undefined)) return undefined;
  const relative = series.startUs === undefined && records.every((record) => record?.received === undefined);
  const differ = isWhole || isCut ? [] : [`metadata.txt describes ${images.length} images of it, it has ${total}`];
  return { source: "micro-manager", stated: plausibleTimes({ us, relative, notes: [...notes, ...differ] }) };
}
