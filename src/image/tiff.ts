// Decodes uncompressed single-page gray TIFFs without copying, if the pixels are contiguous. Cameras write such files because
// they are the fastest to write. All other and unusual files are left to the general reader.
import { endianness } from "node:os";
import type { Picture } from "./picture.ts";

const LITTLE = 0x4949;
const BIG = 0x4d4d;
const MAGIC = 42;
const ENTRY_BYTES = 12;

/** Bytes of one value of each field type that is accepted: ASCII, SHORT, LONG, RATIONAL. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 4, 5: 8 };
const SHORT = 3;
const LONG = 4;

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  offsets: 273,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  byteCounts: 279,
  planes: 284,
  sampleFormat: 339,
} as const;

/** The only values of these fields that leave the samples as stored: gray from black, upright, unsigned. */
const PLAIN: ReadonlyMap<number, number> = new Map([
  [TAG.compression, 1],
  [TAG.photometric, 1],
  [TAG.orientation, 1],
  [TAG.samples, 1],
  [TAG.planes, 1],
  [TAG.sampleFormat, 1],
]);
const DESCRIPTION = 270;
/** Tags that do not affect samples: description, maker, model, resolution, software, time, artist. */
const HARMLESS: ReadonlySet<number> = new Set([DESCRIPTION, 271, 272, 282, 283, 296, 305, 306, 315]);
const USED: ReadonlySet<number> = new Set(Object.values(TAG));

/** Longest side of a picture, px. */
const LONGEST_SIDE = 65535;
const NO_LIMIT = 0xffffffff;

/** The values in the directory of a page, by tag. */
type Directory = ReadonlyMap<number, readonly number[]>;

/**
 * Returns the picture of an uncompressed 8- or 16-bit gray TIFF, or undefined for any other file. The pixels may share the
 * memory of `bytes`.
 */
export function decodePlainTiff(bytes: Uint8Array): Picture | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = view.getUint16(0);
  if (order !== LITTLE && order !== BIG) return undefined;
  const little = order === LITTLE;
  if (view.getUint16(2, little) !== MAGIC) return undefined;
  const directory = readDirectory(view, little);
  if (directory === undefined) return undefined;
  const one = (tag: number, fallback = 0) => directory.get(tag)?.[0] ?? fallback;
  for (const [tag, value] of PLAIN) {
    // The photometric tag has no default. If another of these tags is absent, it has the plain value.
    if (one(tag, tag === TAG.photometric ? 0 : value) !== value) return undefined;
  }
  const width = one(TAG.width);
  const height = one(TAG.height);
  const bits = one(TAG.bits);
  if (width < 1 || height < 1 || width > LONGEST_SIDE || height > LONGEST_SIDE) return undefined;
  if (bits !== 8 && bits !== 16) return undefined;
  const rowBytes = (width * bits) / 8;
  const stored = stripsOf(directory, rowBytes, height, bytes);
  if (stored === undefined) return undefined;
  return { pixels: samplesOf(stored, bits, little), width, height, bitDepth: bits };
}

/** Returns the fields of the only page; undefined if there are more pages, or if a field is unknown or invalid. */
function readDirectory(view: DataView, little: boolean): Directory | undefined {
  const at = view.getUint32(4, little);
  if (at < 8 || at + 2 > view.byteLength) return undefined;
  const fields = view.getUint16(at, little);
  const end = at + 2 + ENTRY_BYTES * fields;
  if (end + 4 > view.byteLength || view.getUint32(end, little) !== 0) return undefined;
  const directory = new Map<number, readonly number[]>();
  let lastTag = 0;
  for (let entry = at + 2; entry < end; entry += ENTRY_BYTES) {
    const tag = view.getUint16(entry, little);
    const type = view.getUint16(entry + 2, little);
    const count = view.getUint32(entry + 4, little);
    const size = (TYPE_BYTES[type] ?? Number.NaN) * count;
    const place = size <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    if (tag <= lastTag || !(size > 0) || place + size > view.byteLength) return undefined;
    lastTag = tag;
    // An ImageJ stack may have one directory for all its pictures.
    if (tag === DESCRIPTION && startsWith(view, place, size, "ImageJ=")) return undefined;
    if (HARMLESS.has(tag)) continue;
    const several = tag === TAG.offsets || tag === TAG.byteCounts;
    if (!USED.has(tag) || (type !== SHORT && type !== LONG) || (!several && count !== 1)) return undefined;
    directory.set(
      tag,
      Array.from({ length: count }, (_, index) =>
        type === SHORT ? view.getUint16(place + 2 * index, little) : view.getUint32(place + 4 * index, little),
      ),
    );
  }
  return directory;
}

function startsWith(view: DataView, at: number, size: number, text: string): boolean {
  return size >= text.length && [...text].every((letter, index) => view.getUint8(at + index) === letter.charCodeAt(0));
}

/** Returns all rows without gaps; undefined if the strips contradict the picture's size or extend beyond the file. */
function stripsOf(directory: Directory, rowBytes: number, height: number, bytes: Uint8Array): Uint8Array | undefined {
  const offsets = directory.get(TAG.offsets) ?? [];
  const counts = directory.get(TAG.byteCounts) ?? [];
  const rowsPerStrip = Math.min(directory.get(TAG.rowsPerStrip)?.[0] ?? NO_LIMIT, height);
  const total = rowBytes * height;
  const strips = Math.ceil(height / rowsPerStrip);
  if (offsets.length !== strips || counts.length !== strips) return undefined;
  const start = offsets[0] ?? 0;
  let joined = true;
  for (let strip = 0; strip < strips; strip++) {
    const size = rowBytes * Math.min(rowsPerStrip, height - strip * rowsPerStrip);
    const offset = offsets[strip] ?? 0;
    if (counts[strip] !== size || offset < 8 || offset + size > bytes.length) return undefined;
    joined &&= offset === start + strip * rowsPerStrip * rowBytes;
  }
  // Not subarray: on a Buffer it returns a Buffer.
  if (joined) return new Uint8Array(bytes.buffer, bytes.byteOffset + start, total);
  const copy = new Uint8Array(total);
  for (let strip = 0, to = 0; strip < strips; strip++) {
    const offset = offsets[strip] ?? 0;
    const size = counts[strip] ?? 0;
    copy.set(bytes.subarray(offset, offset + size), to);
    to += size;
  }
  return copy;
}

function samplesOf(stored: Uint8Array, bits: 8 | 16, little: boolean): Uint8Array | Uint16Array {
  if (bits === 8) return stored;
  const swap = little !== (endianness() === "LE");
  const own = swap || stored.byteOffset % 2 !== 0 ? Uint8Array.from(stored) : stored;
  if (swap) Buffer.from(own.buffer, own.byteOffset, own.byteLength).swap16();
  return new Uint16Array(own.buffer, own.byteOffset, own.byteLength / 2);
}
