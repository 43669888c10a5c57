// EXIF and TIFF dates: DateTimeOriginal, DateTimeDigitized, DateTime, with SubSecTime and OffsetTime. In JPEG, PNG and TIFF.
import { type ByteSource, bytesInMemory } from "./bytes.ts";
import type { Stated } from "./source.ts";
import { fractionUs, readTime, readZone } from "./time-text.ts";
import { type TiffFields, tiffDirectory, tiffForm } from "./tiff-fields.ts";

const DATE_TIME = 306;
const EXIF_DIRECTORY = 34665;
/** Date, fraction of a second, zone; in the order of what is nearest to the exposure. */
const DATES = [
  [36867, 37521, 36881],
  [36868, 37522, 36882],
  [DATE_TIME, 37520, 36880],
] as const;
const TAGS: ReadonlySet<number> = new Set([EXIF_DIRECTORY, ...DATES.flat()]);

const LARGEST_EXIF = 1024 * 1024;
/** Metadata come before the pixels; a file that has more segments or chunks before them has none that matter. */
const MOST_PARTS = 64;

/** The time in the EXIF of a JPEG or PNG or in the first directory of a TIFF; undefined where there is none. */
export async function exifTime(source: ByteSource): Promise<Stated | undefined> {
  const head = await source.read(0, 8);
  if (head.length < 8) return undefined;
  if (head.readUInt16BE(0) === 0xffd8) return blockTime(await jpegExif(source));
  if (head.equals(PNG)) return blockTime(await pngExif(source));
  return tiffTime(source);
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

async function blockTime(block: Buffer | undefined): Promise<Stated | undefined> {
  return block === undefined ? undefined : tiffTime(bytesInMemory(block));
}

async function tiffTime(source: ByteSource): Promise<Stated | undefined> {
  const form = await tiffForm(source);
  const first = form && (await tiffDirectory(source, form, form.firstAt, TAGS));
  if (form === undefined || first === undefined) return undefined;
  const exifAt = first.fields.get(EXIF_DIRECTORY)?.[0]?.number;
  const exif = exifAt === undefined ? undefined : await tiffDirectory(source, form, exifAt, TAGS);
  return dateOf([...(exif === undefined ? [] : [exif.fields]), first.fields]);
}

function dateOf(directories: readonly TiffFields[]): Stated | undefined {
  const text = (tag: number) => directories.map((fields) => fields.get(tag)?.[0]?.text.trim()).find(Boolean);
  for (const [date, fraction, zone] of DATES) {
    const time = readTime(text(date) ?? "");
    if (time === undefined) continue;
    const digits = /^\d{1,9}$/.exec(text(fraction) ?? "")?.[0] ?? "";
    const zoneUs = time.hasZone ? 0 : readZone(text(zone) ?? "");
    const us = time.us + (time.hasFraction ? 0 : fractionUs(digits)) - (zoneUs ?? 0);
    const notes = zoneUs === undefined ? ["the EXIF date has no time zone; phorest reads it as UTC"] : [];
    return { us: [us], relative: false, notes };
  }
  return undefined;
}

async function jpegExif(source: ByteSource): Promise<Buffer | undefined> {
  let at = 2;
  for (let part = 0; part < MOST_PARTS; part++) {
    const head = await source.read(at, 10);
    if (head.length < 10 || head[0] !== 0xff) return undefined;
    const marker = head[1] as number;
    // Start of the scan: only pixels follow.
    if (marker === 0xda || marker === 0xd9) return undefined;
    const length = head.readUInt16BE(2);
    if (marker === 0xe1 && head.toString("latin1", 4, 8) === "Exif") {
      return Buffer.from(await source.read(at + 10, Math.min(length - 8, LARGEST_EXIF)));
    }
    at += 2 + Math.max(2, length);
  }
  return undefined;
}

async function pngExif(source: ByteSource): Promise<Buffer | undefined> {
  let at = PNG.length;
  for (let part = 0; part < MOST_PARTS; part++) {
    const head = await source.read(at, 8);
    if (head.length < 8) return undefined;
    const length = head.readUInt32BE(0);
    const kind = head.toString("latin1", 4, 8);
    if (kind === "IEND") return undefined;
    if (kind === "eXIf") return Buffer.from(await source.read(at + 8, Math.min(length, LARGEST_EXIF)));
    at += 12 + length;
  }
  return undefined;
}
