// Fields of the directories of a TIFF, read piece by piece: classic TIFF and BigTIFF, both byte orders. EXIF blocks have the
// same form. Only what is asked for is read, and nothing of it is longer than a limit.
import type { ByteSource } from "./bytes.ts";

const LITTLE = 0x4949;
const BIG = 0x4d4d;
const CLASSIC_MAGIC = 42;
const BIG_MAGIC = 43;
const LARGEST_DIRECTORY = 4096;
/** OME-XML of a hundred thousand planes has about 40 MB. */
const LONGEST_VALUE = 96 * 1024 * 1024;

const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 17: 8, 18: 8 };

/** The values of a field: its bytes, text, or the first whole number. */
export interface TiffField {
  readonly bytes: Buffer;
  /** Up to the first NUL. */
  readonly text: string;
  readonly number: number;
}

/** A tag may be there more than once: Micro-Manager writes two descriptions. */
export type TiffFields = ReadonlyMap<number, readonly TiffField[]>;

interface Form {
  readonly little: boolean;
  readonly big: boolean;
}

export interface TiffForm extends Form {
  readonly firstAt: number;
}

/** How the numbers of a TIFF are stored and where its first directory is; undefined for other files. */
export async function tiffForm(source: ByteSource): Promise<TiffForm | undefined> {
  const head = await source.read(0, 16);
  if (head.length < 8) return undefined;
  const order = head.readUInt16BE(0);
  if (order !== LITTLE && order !== BIG) return undefined;
  const little = order === LITTLE;
  const magic = little ? head.readUInt16LE(2) : head.readUInt16BE(2);
  if (magic === CLASSIC_MAGIC) return { little, big: false, firstAt: numberAt(head, 4, 4, little) };
  if (magic !== BIG_MAGIC || head.length < 16) return undefined;
  return { little, big: true, firstAt: numberAt(head, 8, 8, little) };
}

/**
 * The fields `tags` of each directory in the order of the file, at most `most` directories. Ends without an error where a
 * directory is not whole or a chain returns to its start: the reader of the pixels reports that.
 */
export async function* tiffDirectories(
  source: ByteSource,
  form: TiffForm,
  tags: ReadonlySet<number>,
  most: number,
): AsyncGenerator<TiffFields> {
  const seen = new Set<number>();
  for (let at = form.firstAt; at >= 8 && !seen.has(at) && seen.size < most; ) {
    seen.add(at);
    const directory = await tiffDirectory(source, form, at, tags);
    if (directory === undefined) return;
    yield directory.fields;
    at = directory.next;
  }
}

/** One directory; undefined where it is not whole. */
export async function tiffDirectory(
  source: ByteSource,
  { little, big }: Form,
  at: number,
  tags: ReadonlySet<number>,
): Promise<{ readonly fields: TiffFields; readonly next: number } | undefined> {
  const [countBytes, entryBytes, placeBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const count = numberAt(await source.read(at, countBytes), 0, countBytes, little);
  if (!(count > 0) || count > LARGEST_DIRECTORY) return undefined;
  const length = count * entryBytes + placeBytes;
  // The entries are needed while their values are read.
  const entries = Buffer.from(await source.read(at + countBytes, length));
  if (entries.length < length) return undefined;
  const fields = new Map<number, TiffField[]>();
  for (let entry = 0; entry < count * entryBytes; entry += entryBytes) {
    const tag = numberAt(entries, entry, 2, little);
    if (!tags.has(tag)) continue;
    const field = await fieldOf(source, entries.subarray(entry, entry + entryBytes), { little, big });
    if (field !== undefined) fields.set(tag, [...(fields.get(tag) ?? []), field]);
  }
  return { fields, next: numberAt(entries, count * entryBytes, placeBytes, little) };
}

async function fieldOf(source: ByteSource, entry: Buffer, { little, big }: Form): Promise<TiffField | undefined> {
  const size = TYPE_BYTES[numberAt(entry, 2, 2, little)];
  const count = numberAt(entry, 4, big ? 8 : 4, little);
  if (size === undefined || count < 1 || size * count > LONGEST_VALUE) return undefined;
  const inline = entry.subarray(big ? 12 : 8);
  const value =
    size * count <= inline.length
      ? inline.subarray(0, size * count)
      : await source.read(numberAt(inline, 0, inline.length, little), size * count);
  if (value.length < size * count) return undefined;
  // A copy: what is read next may take the place of this.
  const bytes = Buffer.from(value);
  const end = size === 1 ? bytes.indexOf(0) : 0;
  const text = bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
  return { bytes, text, number: numberAt(bytes, 0, size, little) };
}

/** A whole number of 1, 2, 4 or 8 bytes; NaN where the bytes are not there. */
export function numberAt(bytes: Buffer, at: number, size: number, little: boolean): number {
  if (at + size > bytes.length) return Number.NaN;
  if (size === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}
