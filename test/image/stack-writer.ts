// A writer of TIFF stacks for tests, which chooses what others decide by themselves: byte order, classic or BigTIFF, where
// the directories and the strips are, what kind each page is.
import type { GrayPicture } from "./picture-writers.ts";

export interface StackOptions {
  readonly little?: boolean;
  readonly big?: boolean;
  /** All rows by default. */
  readonly rowsPerStrip?: number;
  /** Bytes between the strips, 0 by default. */
  readonly gap?: number;
  /** NewSubfileType of each page; none by default. */
  readonly kinds?: readonly number[];
  /** All directories before all pixels; otherwise each page's pixels stand before its directory. */
  readonly directoriesFirst?: boolean;
  /** Added to every place in the file: it is to be moved so far back behind its first 16 bytes. */
  readonly base?: number;
  /** A description of the only directory, behind whose pixels those of the other pages stand. */
  readonly imagej?: string;
  /** Only the bytes before the place of the last directory's successor. */
  readonly lastNextAt?: boolean;
  /** More fields of each page, as [tag, type, values]; of type 2 the bytes of the text. */
  readonly fields?: (page: number) => readonly StackField[];
}

export type StackField = readonly [tag: number, type: number, values: readonly number[]];

const [ASCII, SHORT, LONG, LONG8] = [2, 3, 4, 16] as const;
const BYTES: Readonly<Record<number, number>> = { 1: 1, [ASCII]: 1, [SHORT]: 2, [LONG]: 4, 7: 1, [LONG8]: 8 };

/** ASCII values of a text, with the zero at its end. */
export const textValues = (text: string): number[] => [...Buffer.from(`${text}\0`)];

/** An uncompressed stack of gray pictures. */
export function writeStack(pictures: readonly GrayPicture[], options: StackOptions = {}): Buffer {
  return new StackWriter(options).write(pictures);
}

class StackWriter {
  readonly #options: StackOptions;
  readonly #parts: Buffer[] = [];
  #end = 0;
  #lastNextAt = 0;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  write(pictures: readonly GrayPicture[]): Buffer {
    const { big = false, little = true, imagej, directoriesFirst = false } = this.#options;
    const header = Buffer.alloc(16);
    header.write(little ? "II" : "MM");
    this.#put(header, 2, 2, big ? 43 : 42);
    if (big) this.#put(header, 4, 2, 8);
    this.#append(header);
    let pending: { buffer: Buffer; at: number } = { buffer: header, at: big ? 8 : 4 };
    const link = (directory: Buffer) => {
      const at = this.#append(directory);
      this.#put(pending.buffer, pending.at, this.#place, at);
      pending = { buffer: directory, at: this.#nextIn(directory) };
      this.#lastNextAt = this.#end - (directory.length - pending.at);
    };
    if (imagej !== undefined) {
      const [first, ...others] = pictures;
      if (first === undefined) throw new Error("a stack needs a picture");
      const directory = this.#directory(first, [0], 0, [[270, ASCII, textValues(imagej)]]);
      link(directory);
      const [at = 0] = this.#pixels(first);
      this.#put(directory, this.#stripAt(directory), this.#place, at);
      for (const other of others) this.#pixels(other);
    } else if (directoriesFirst) {
      const later = pictures.map((picture, page) => {
        const directory = this.#directory(picture, [0], page);
        link(directory);
        return { picture, directory };
      });
      for (const { picture, directory } of later) {
        const [at = 0] = this.#pixels(picture);
        this.#put(directory, this.#stripAt(directory), this.#place, at);
      }
    } else {
      pictures.forEach((picture, page) => {
        const strips = this.#pixels(picture);
        link(this.#directory(picture, strips, page));
      });
    }
    const file = Buffer.concat(this.#parts);
    return this.#options.lastNextAt === true ? file.subarray(0, this.#lastNextAt) : file;
  }

  get #place(): 4 | 8 {
    return this.#options.big === true ? 8 : 4;
  }

  #append(bytes: Buffer): number {
    const at = this.#end;
    this.#parts.push(bytes);
    this.#end += bytes.length;
    return at + (this.#options.base ?? 0);
  }

  #put(buffer: Buffer, at: number, size: number, value: number): void {
    const little = this.#options.little ?? true;
    if (size === 8) {
      if (little) buffer.writeBigUInt64LE(BigInt(value), at);
      else buffer.writeBigUInt64BE(BigInt(value), at);
    } else if (little) buffer.writeUIntLE(value, at, size);
    else buffer.writeUIntBE(value, at, size);
  }

  #pixels({ pixels, width, height }: GrayPicture): number[] {
    const { rowsPerStrip = height, gap = 0 } = this.#options;
    const size = pixels.BYTES_PER_ELEMENT;
    const places: number[] = [];
    for (let row = 0; row < height; row += rowsPerStrip) {
      const part = pixels.subarray(row * width, Math.min(height, row + rowsPerStrip) * width);
      const bytes = Buffer.alloc(size * part.length + gap);
      part.forEach((value, at) => {
        this.#put(bytes, size * at, size, value);
      });
      places.push(this.#append(bytes));
    }
    return places;
  }

  #directory(
    { pixels, width, height }: GrayPicture,
    strips: readonly number[],
    page: number,
    more: readonly StackField[] = [],
  ): Buffer {
    const { rowsPerStrip = height, kinds, big = false, fields: added } = this.#options;
    const size = pixels.BYTES_PER_ELEMENT;
    const kind = kinds?.[page];
    const counts = strips.map((_, strip) => size * width * Math.min(rowsPerStrip, height - strip * rowsPerStrip));
    const fields: StackField[] = [
      ...(kind === undefined ? [] : [[254, LONG, [kind]] as const]),
      [256, LONG, [width]],
      [257, LONG, [height]],
      [258, SHORT, [8 * size]],
      [259, SHORT, [1]],
      [262, SHORT, [1]],
      [273, big ? LONG8 : LONG, strips],
      [277, SHORT, [1]],
      [278, LONG, [rowsPerStrip]],
      [279, LONG, counts],
      ...more,
      ...(added?.(page) ?? []),
    ];
    const replaced = new Map(fields.map((field) => [field[0], field]));
    return this.#encode([...replaced.values()].sort(([a], [b]) => a - b));
  }

  #encode(fields: readonly StackField[]): Buffer {
    const place = this.#place;
    const [countBytes, entryBytes] = place === 8 ? [8, 20] : [2, 12];
    const length = countBytes + entryBytes * fields.length + place;
    const start = this.#end + (this.#options.base ?? 0);
    const directory = Buffer.alloc(length);
    this.#put(directory, 0, countBytes, fields.length);
    const behind: Buffer[] = [];
    let end = start + length;
    fields.forEach(([tag, type, values], index) => {
      const entry = countBytes + entryBytes * index;
      const size = BYTES[type] ?? 1;
      const bytes = Buffer.alloc(Math.max(place, size * values.length));
      values.forEach((value, at) => {
        this.#put(bytes, size * at, size, value);
      });
      this.#put(directory, entry, 2, tag);
      this.#put(directory, entry + 2, 2, type);
      this.#put(directory, entry + 4, place, values.length);
      if (bytes.length <= place) bytes.copy(directory, entry + 4 + place);
      else {
        this.#put(directory, entry + 4 + place, place, end);
        behind.push(bytes);
        end += bytes.length;
      }
    });
    return Buffer.concat([directory, ...behind]);
  }

  #countOf(directory: Buffer): number {
    const little = this.#options.little ?? true;
    if (this.#place === 8) return Number(little ? directory.readBigUInt64LE(0) : directory.readBigUInt64BE(0));
    return little ? directory.readUInt16LE(0) : directory.readUInt16BE(0);
  }

  #nextIn(directory: Buffer): number {
    const [countBytes, entryBytes] = this.#place === 8 ? [8, 20] : [2, 12];
    return countBytes + entryBytes * this.#countOf(directory);
  }

  /** Where the place of the only strip is in a directory. */
  #stripAt(directory: Buffer): number {
    const [countBytes, entryBytes] = this.#place === 8 ? [8, 20] : [2, 12];
    for (let entry = countBytes; entry < this.#nextIn(directory); entry += entryBytes) {
      const tag = (this.#options.little ?? true) ? directory.readUInt16LE(entry) : directory.readUInt16BE(entry);
      if (tag === 273) return entry + 4 + this.#place;
    }
    throw new Error("the directory has no strip");
  }
}
