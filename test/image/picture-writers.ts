// Writers of gray pictures for tests, which choose what a general writer decides by itself: the filter of every PNG row,
// the split of the compressed data, the strips and the byte order of a TIFF.

import { deflateSync } from "node:zlib";
import { crc32Of } from "./crc32.ts";

export interface GrayPicture {
  readonly pixels: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
}

export type PngFilter = 0 | 1 | 2 | 3 | 4;

/** Reproducible numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** A gray picture of a smooth part, noise and black and white stretches, which make the extremes of every filter. */
export function grayPicture(width: number, height: number, depth: 8 | 16, seed: number): GrayPicture {
  const random = randomFrom(seed);
  const top = 2 ** depth - 1;
  const pixels = depth === 8 ? new Uint8Array(width * height) : new Uint16Array(width * height);
  for (let at = 0; at < pixels.length; at++) {
    const kind = random();
    pixels[at] = kind < 0.2 ? 0 : kind < 0.4 ? top : kind < 0.7 ? random() * (top + 1) : (at * 37) % (top + 1);
  }
  return { pixels, width, height };
}

export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32Of(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

/** Whichever of left, up and corner is nearest to left + up - corner, as the PNG specification words it. */
function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** The rows of a PNG before compression: a filter byte and the filtered bytes of each. */
function filteredRows(picture: GrayPicture, filterOf: (row: number) => number): Uint8Array {
  const { pixels, width, height } = picture;
  const pixelBytes = pixels instanceof Uint16Array ? 2 : 1;
  const rowBytes = width * pixelBytes;
  const plain = Buffer.alloc(rowBytes * height);
  for (let at = 0; at < pixels.length; at++) {
    if (pixelBytes === 2) plain.writeUInt16BE(pixels[at] as number, 2 * at);
    else plain[at] = pixels[at] as number;
  }
  const rows = new Uint8Array((rowBytes + 1) * height);
  for (let row = 0; row < height; row++) {
    const filter = filterOf(row);
    const to = row * (rowBytes + 1);
    rows[to] = filter;
    for (let byte = 0; byte < rowBytes; byte++) {
      const at = row * rowBytes + byte;
      const left = byte < pixelBytes ? 0 : (plain[at - pixelBytes] as number);
      const up = row === 0 ? 0 : (plain[at - rowBytes] as number);
      const corner = row === 0 || byte < pixelBytes ? 0 : (plain[at - rowBytes - pixelBytes] as number);
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      rows[to + 1 + byte] = (plain[at] as number) - guess;
    }
  }
  return rows;
}

const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);

export interface PngOptions {
  /** Filter of each row; none by default. */
  readonly filterOf?: (row: number) => PngFilter;
  /** Most bytes of a stretch of compressed data; one stretch by default. */
  readonly stretchBytes?: number;
  /** zlib's level, 6 by default. */
  readonly level?: number;
  /** Chunks between the header and the data, and behind the data. */
  readonly before?: readonly Uint8Array[];
  readonly behind?: readonly Uint8Array[];
}

/** A PNG of one gray channel. */
export function writePng(picture: GrayPicture, options: PngOptions = {}): Uint8Array {
  const rows = filteredRows(picture, options.filterOf ?? (() => 0));
  const compressed = deflateSync(rows, { level: options.level ?? 6 });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header[8] = picture.pixels instanceof Uint16Array ? 16 : 8;
  const stretch = options.stretchBytes ?? compressed.length;
  const data: Uint8Array[] = [];
  for (let at = 0; at < compressed.length; at += stretch) {
    data.push(pngChunk("IDAT", compressed.subarray(at, at + stretch)));
  }
  return Buffer.concat([
    PNG_SIGNATURE,
    pngChunk("IHDR", header),
    ...(options.before ?? []),
    ...data,
    ...(options.behind ?? []),
    pngChunk("IEND", new Uint8Array(0)),
  ]);
}

export interface TiffOptions {
  readonly little?: boolean;
  /** All rows by default. */
  readonly rowsPerStrip?: number;
  /** Bytes between the strips, 0 by default. */
  readonly gap?: number;
  /** Values that replace or add to the fields, as shorts. */
  readonly fields?: Readonly<Record<number, number>>;
}

/** An uncompressed TIFF of one gray channel: the header, the strips, the directory. */
export function writeTiff(picture: GrayPicture, options: TiffOptions = {}): Uint8Array {
  const { pixels, width, height } = picture;
  const { little = true, rowsPerStrip = height, gap = 0 } = options;
  const bits = pixels instanceof Uint16Array ? 16 : 8;
  const strips: { at: number; rows: number }[] = [];
  let end = 8;
  for (let row = 0; row < height; row += rowsPerStrip) {
    const rows = Math.min(rowsPerStrip, height - row);
    strips.push({ at: end, rows });
    end += (rows * width * bits) / 8 + gap;
  }
  const lists = end + (end % 2);
  const fields = new Map<number, readonly number[]>([
    [256, [width]],
    [257, [height]],
    [258, [bits]],
    [259, [1]],
    [262, [1]],
    [273, strips.map(({ at }) => at)],
    [277, [1]],
    [278, [rowsPerStrip]],
    [279, strips.map(({ rows }) => (rows * width * bits) / 8)],
  ]);
  for (const [tag, value] of Object.entries(options.fields ?? {})) fields.set(Number(tag), [value]);
  const directory = lists + 8 * strips.length;
  const bytes = Buffer.alloc(directory + 2 + 12 * fields.size + 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, directory, little);
  strips.forEach(({ at, rows }, strip) => {
    for (let pixel = 0; pixel < rows * width; pixel++) {
      const value = pixels[strip * rowsPerStrip * width + pixel] as number;
      if (bits === 16) view.setUint16(at + 2 * pixel, value, little);
      else view.setUint8(at + pixel, value);
    }
  });
  view.setUint16(directory, fields.size, little);
  [...fields]
    .sort(([a], [b]) => a - b)
    .forEach(([tag, values], index) => {
      const entry = directory + 2 + 12 * index;
      const long = tag === 273 || tag === 279;
      view.setUint16(entry, tag, little);
      view.setUint16(entry + 2, long ? 4 : 3, little);
      view.setUint32(entry + 4, values.length, little);
      if (!long) view.setUint16(entry + 8, values[0] ?? 0, little);
      else if (values.length === 1) view.setUint32(entry + 8, values[0] ?? 0, little);
      else {
        const place = lists + (tag === 279 ? 4 * strips.length : 0);
        view.setUint32(entry + 8, place, little);
        values.forEach((value, at) => {
          view.setUint32(place + 4 * at, value, little);
        });
      }
    });
  return bytes;
}

/** The same TIFF of writeTiff with so many pages, all of the same pixels. */
export function withPages(tiff: Uint8Array, pages: number): Uint8Array {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const from = view.getUint32(4, little);
  const directory = tiff.subarray(from, from + 2 + 12 * view.getUint16(from, little) + 4);
  const all = Buffer.concat([tiff, ...Array.from({ length: pages - 1 }, () => directory)]);
  const place = (page: number) => (page === 0 ? from : tiff.length + (page - 1) * directory.length);
  for (let page = 0; page < pages; page++) {
    const next = page + 1 < pages ? place(page + 1) : 0;
    const at = place(page) + directory.length - 4;
    if (little) all.writeUInt32LE(next, at);
    else all.writeUInt32BE(next, at);
  }
  return all;
}
