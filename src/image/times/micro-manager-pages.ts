// Reads Micro-Manager metadata inside a TIFF: tag 51123 of each page (stacks of 1.4 and 2.0, NDTiff), or, in separate images of
// 2.0, the text that ImageJ shows as "Info".
import { bytesAt } from "../tiff/byte-source.ts";
import { TAG } from "../tiff/directory.ts";
import { ElapsedClock } from "./elapsed-clock.ts";
import { bytesOf, numberAt, type OpenDirectory, withoutNul } from "./head.ts";
import { jsonObject, textOf } from "./json-members.ts";
import {
  type ImageRecord,
  imageRecord,
  NO_ZONE,
  type SummaryRecord,
  seriesOf,
  summaryRecord,
  timeOf,
} from "./micro-manager.ts";
import type { Stated } from "./source.ts";
import { sizeNotes } from "./stated-size.ts";

const METADATA_SAY = "the Micro-Manager metadata say";
const IMAGEJ_COUNTS = 50838;
const IMAGEJ_METADATA = 50839;
const LARGEST_METADATA = 16 * 1024 * 1024;

/** Marker of the summary in the header of a stack. */
const SUMMARY_MARK = 2_355_492;
/** Possible offsets of that marker: NDTiff 2, NDTiff 3, stacks. The length of the summary and the summary follow it. */
const SUMMARY_PLACES = [16, 20, 32] as const;

/** The pages of a TIFF in order; undefined for a missing one. */
export type PageDirectories = AsyncIterable<OpenDirectory | undefined>;

/** The beginning of a series: its first image, if that gives a time, and its summary. */
export interface SeriesBegin {
  readonly record: ImageRecord | undefined;
  readonly summary: SummaryRecord | undefined;
}

/** Returns the beginning of a series from its first page. */
export async function seriesBegin(first: OpenDirectory): Promise<SeriesBegin> {
  const record = await recordOf(first);
  return { record: hasTime(record) ? record : undefined, summary: await summaryOf(first) };
}

/**
 * Returns the times of the pages; undefined if neither of the first two has Micro-Manager metadata with a time. If the series is split
 * over several files, `begin` comes from its first file; its start counts for all of them.
 */
export async function micromanagerPages(
  pages: PageDirectories,
  begin: SeriesBegin | (() => Promise<SeriesBegin>),
): Promise<Stated | undefined> {
  const records: (ImageRecord | undefined)[] = [];
  const sizes: string[] = [];
  for await (const page of pages) {
    const record = page === undefined ? undefined : await recordOf(page);
    // One page may have lost its metadata, also the first.
    if (records.length === 1 && !hasTime(records[0]) && !hasTime(record)) return undefined;
    if (page !== undefined && records.length === 0) sizes.push(...(await sizeNotes(METADATA_SAY, record?.size, page)));
    records.push(record);
  }
  if (!records.some(hasTime)) return undefined;
  const { record: first, summary } = typeof begin === "function" ? await begin() : begin;
  const clock = new ElapsedClock();
  records.forEach((record, page) => {
    if (record !== undefined) clock.add(record, `page ${page + 1}`);
  });
  const { usesReceived, hasElapsed } = clock;
  const series = { ...seriesOf(first ?? records.find(hasTime), summary), usesReceived, hasElapsed };
  const relative = series.startUs === undefined && records.every((record) => record?.received === undefined);
  const us = records.map((record) => (record === undefined ? undefined : timeOf(record, series)));
  const [only, ...others] = records;
  // A single file may not share its start with other files.
  const isCoarse = others.length === 0 && only?.received?.hasFraction === false && us[0] === only.received.us;
  const elapsedUs = isCoarse && (only?.elapsedUs ?? -1) >= 0 ? only?.elapsedUs : undefined;
  const coarse = isCoarse && elapsedUs === undefined ? [WHOLE_SECONDS] : [];
  const zone = series.hasZone ? [] : [NO_ZONE];
  return { us, relative, elapsedUs, notes: [...sizes, ...series.notes, ...clock.notes(), ...coarse, ...zone] };
}

const WHOLE_SECONDS =
  "Micro-Manager's time in the image is a whole second; for exact times put the metadata.txt of the series next to the images";

const hasTime = (record: ImageRecord | undefined): boolean =>
  record?.elapsedUs !== undefined || record?.received !== undefined;

/** Returns the metadata of one page; undefined if it has none from Micro-Manager. */
export async function recordOf(page: OpenDirectory): Promise<ImageRecord | undefined> {
  const own = await bytesOf(page, TAG.microManagerPage, LARGEST_METADATA);
  const text = own === undefined ? await imagejInfo(page) : textOf(withoutNul(own));
  const json = text?.trimStart().startsWith("{") === true ? jsonObject(text) : undefined;
  return json === undefined ? undefined : imageRecord(json);
}

/** Reads ImageJ's metadata block: a list of kinds and counts, then the values; the tag before it states the length of each. */
async function imagejInfo(page: OpenDirectory): Promise<string | undefined> {
  const { little } = page.layout;
  const lengths = await bytesOf(page, IMAGEJ_COUNTS, LARGEST_METADATA);
  const block = lengths === undefined ? undefined : await bytesOf(page, IMAGEJ_METADATA, LARGEST_METADATA);
  if (lengths === undefined || block === undefined) return undefined;
  let at = numberAt(lengths, 0, 4, little);
  let value = 1;
  // Kinds are four letters in the byte order of the file.
  const kindAt = (place: number) => {
    const letters = block.toString("latin1", place, place + 4);
    return little ? [...letters].reverse().join("") : letters;
  };
  if (kindAt(0) !== "IJIJ") return undefined;
  for (let entry = 4; entry + 8 <= numberAt(lengths, 0, 4, little); entry += 8) {
    const count = numberAt(block, entry + 4, 4, little);
    if (kindAt(entry) === "info") {
      const text = Buffer.from(block.subarray(at, at + numberAt(lengths, value * 4, 4, little)));
      if (text.length % 2 !== 0) return undefined;
      return (little ? text : text.swap16()).toString("utf16le");
    }
    for (let each = 0; each < count && value * 4 < lengths.length; each++, value++) {
      at += numberAt(lengths, value * 4, 4, little);
    }
  }
  return undefined;
}

async function summaryOf({ source, layout: { little } }: OpenDirectory): Promise<SummaryRecord | undefined> {
  const head = await bytesAt(source, 0, 64);
  for (const at of SUMMARY_PLACES) {
    if (numberAt(head, at, 4, little) !== SUMMARY_MARK) continue;
    const length = numberAt(head, at + 4, 4, little);
    if (!(length > 0) || length > LARGEST_METADATA) continue;
    const json = jsonObject(textOf(withoutNul(await bytesAt(source, at + 8, length))));
    if (json !== undefined) return summaryRecord(json);
  }
  return undefined;
}
