// Reads EXIF and TIFF dates in JPEG, PNG and TIFF: DateTimeOriginal, DateTimeDigitized, DateTime, with SubSecTime and
// OffsetTime.

import { fractionUs, readTime, readZone } from "../../system/time-text.ts";
import { bytesAt, sourceOfBytes } from "../tiff/byte-source.ts";
import { fieldNumber } from "../tiff/directory.ts";
import { directoryAt, firstDirectory, type HeadSource, type OpenDirectory, pieceOf, textOf } from "./head.ts";
import type { Stated } from "./source.ts";

const DATE_TIME = 306;
const EXIF_DIRECTORY = 34665;
/** Tags of date, fraction of a second and time zone; the closest to the exposure first. */
const DATES = [
  [36867, 37521, 36881],
  [36868, 37522, 36882],
  [DATE_TIME, 37520, 36880],
] as const;
/** Maximum length of a date. */
const LONGEST_TEXT = 64;

const LARGEST_EXIF = 1024 * 1024;
/**
 * Limit for the segments or chunks to search. Metadata precedes the pixels; a file with more segments before them has no
 * relevant metadata.
 */
const MOST_PARTS = 64;

/** Returns the time in the EXIF of a JPEG or PNG; undefined if there is none. */
export async function exifTime(source: HeadSource): Promise<Stated | undefined> {
  const head = source.head.subarray(0, 8);
  if (head.length < 8) return undefined;
  if (head.readUInt16BE(0) === JPEG) return blockTime(await jpegExif(source));
  return head.equals(PNG) ? blockTime(await pngExif(source)) : undefined;
}

const JPEG = 0xffd8;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

async function blockTime(block: Buffer | undefined): Promise<Stated | undefined> {
  const first = block === undefined ? undefined : await firstDirectory(sourceOfBytes(block));
  return first === undefined ? undefined : tiffTime(first);
}

/** Returns the time in a TIFF directory; undefined if there is none. */
export async function tiffTime(first: OpenDirectory): Promise<Stated | undefined> {
  const exifAt = await fieldNumber(first.source, first.layout, first.directory, EXIF_DIRECTORY, 0);
  const exif = exifAt === 0 ? undefined : await directoryAt(first.source, first.layout, exifAt);
  return dateOf(exif === undefined ? [first] : [exif, first]);
}

async function dateOf(directories: readonly OpenDirectory[]): Promise<Stated | undefined> {
  const text = async (tag: number) => {
    const texts = await Promise.all(directories.map((open) => textOf(open, tag, LONGEST_TEXT)));
    return texts.map((found) => found?.trim()).find(Boolean) ?? "";
  };
  for (const [date, fraction, zone] of DATES) {
    const time = readTime(await text(date));
    if (time === undefined) continue;
    const digits = /^\d{1,9}$/.exec(await text(fraction))?.[0] ?? "";
    const zoneUs = time.hasZone ? 0 : readZone(await text(zone));
    const us = time.us + (time.hasFraction ? 0 : fractionUs(digits)) - (zoneUs ?? 0);
    const notes = zoneUs === undefined ? ["the EXIF dates have no time zone; phorest reads them as UTC"] : [];
    return { us: [us], relative: false, notes };
  }
  return undefined;
}

async function jpegExif(source: HeadSource): Promise<Buffer | undefined> {
  let at = 2;
  for (let part = 0; part < MOST_PARTS; part++) {
    const head = await pieceOf(source, at, 10);
    if (head.length < 10 || head[0] !== 0xff) return undefined;
    const marker = head[1] as number;
    // Start of the scan: only pixels follow.
    if (marker === 0xda || marker === 0xd9) return undefined;
    const length = head.readUInt16BE(2);
    if (marker === 0xe1 && head.toString("latin1", 4, 8) === "Exif") {
      return bytesAt(source, at + 10, Math.min(length - 8, LARGEST_EXIF));
    }
    at += 2 + Math.max(2, length);
  }
  return undefined;
}

async function pngExif(source: HeadSource): Promise<Buffer | undefined> {
  let at = PNG.length;
  for (let part = 0; part < MOST_PARTS; part++) {
    const head = await pieceOf(source, at, 8);
    if (head.length < 8) return undefined;
    const length = head.readUInt32BE(0);
    const kind = head.toString("latin1", 4, 8);
    if (kind === "IEND") return undefined;
    if (kind === "eXIf") return bytesAt(source, at + 8, Math.min(length, LARGEST_EXIF));
    at += 12 + length;
  }
  return undefined;
}
