// Micro-Manager metadata inside a TIFF: tag 51123 of each page (stacks of 1.4 and 2.0, NDTiff), or, in separate images of 2.0,
// the text that ImageJ shows as "Info".
import type { ByteSource } from "./bytes.ts";
import { jsonObject, textOf } from "./json-members.ts";
import { type ImageRecord, imageRecord, NO_ZONE, type SummaryRecord, seriesOf, summaryRecord, timeOf } from "./micro-manager.ts";
import type { Stated } from "./source.ts";
import { numberAt, type TiffFields, type TiffForm, tiffDirectories, tiffForm } from "./tiff-fields.ts";

const METADATA = 51123;
const IMAGEJ_COUNTS = 50838;
const IMAGEJ_METADATA = 50839;
const TAGS: ReadonlySet<number> = new Set([METADATA, IMAGEJ_COUNTS, IMAGEJ_METADATA]);

/** Numbers in the header of a stack that stand before its parts. */
const SUMMARY_MARK = 2_355_492;
/** Where that mark can be: NDTiff 2, NDTiff 3, stacks. The length of the summary and the summary follow. */
const SUMMARY_PLACES = [16, 20, 32] as const;
const LARGEST_SUMMARY = 16 * 1024 * 1024;

/**
 * The times of the first `pages` pages; undefined where the first page has no metadata of Micro-Manager with a time. `first`
 * is the file that begins a series which is split over several files; its start counts for all of them.
 */
export async function micromanagerPages(
  source: ByteSource,
  pages: number,
  first: ByteSource = source,
): Promise<Stated | undefined> {
  const form = await tiffForm(source);
  if (form === undefined) return undefined;
  const records: (ImageRecord | undefined)[] = [];
  for await (const fields of tiffDirectories(source, form, TAGS, pages)) {
    const record = recordOf(fields, form);
    if (records.length === 0 && !hasTime(record)) return undefined;
    records.push(record);
  }
  if (records.length === 0) return undefined;
  const start = first === source ? records[0] : ((await firstRecord(first)) ?? records[0]);
  const series = seriesOf(start, await summaryOf(first, form));
  const relative = series.startUs === undefined && records.every((record) => record?.received === undefined);
  const us = records.map((record) => (record === undefined ? undefined : timeOf(record, series)));
  return { us, relative, notes: [...series.notes, ...(series.hasZone ? [] : [NO_ZONE])] };
}

const hasTime = (record: ImageRecord | undefined): boolean =>
  record?.elapsedUs !== undefined || record?.received !== undefined;

async function firstRecord(source: ByteSource): Promise<ImageRecord | undefined> {
  const form = await tiffForm(source);
  if (form === undefined) return undefined;
  for await (const fields of tiffDirectories(source, form, TAGS, 1)) return recordOf(fields, form);
  return undefined;
}

function recordOf(fields: TiffFields, form: TiffForm): ImageRecord | undefined {
  const own = fields.get(METADATA)?.[0]?.bytes;
  const text = own === undefined ? imagejInfo(fields, form) : textOf(withoutNul(own));
  const json = text === undefined || !text.startsWith("{") ? undefined : jsonObject(text);
  return json === undefined ? undefined : imageRecord(json);
}

function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** ImageJ's block: a list of kinds and counts, then the values; the tag before it has the length of each. */
function imagejInfo(fields: TiffFields, { little }: TiffForm): string | undefined {
  const [lengths, block] = [fields.get(IMAGEJ_COUNTS)?.[0]?.bytes, fields.get(IMAGEJ_METADATA)?.[0]?.bytes];
  if (lengths === undefined || block === undefined) return undefined;
  let at = numberAt(lengths, 0, 4, little);
  let value = 1;
  // Four letters, in the byte order of the file.
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

async function summaryOf(source: ByteSource, { little }: TiffForm): Promise<SummaryRecord | undefined> {
  const head = Buffer.from(await source.read(0, 64));
  for (const at of SUMMARY_PLACES) {
    if (numberAt(head, at, 4, little) !== SUMMARY_MARK) continue;
    const length = numberAt(head, at + 4, 4, little);
    if (!(length > 0) || length > LARGEST_SUMMARY) continue;
    const json = jsonObject(textOf(withoutNul(Buffer.from(await source.read(at + 8, length)))));
    if (json !== undefined) return summaryRecord(json);
  }
  return undefined;
}
