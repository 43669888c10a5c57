// Describes how the samples of a page are stored: the relevant fields, and its strips or tiles. The pages of a stack share one
// such shape and differ only in the offset of their pixels.
import type { ByteSource } from "./byte-source.ts";
import { fieldBytes, fieldNumbers, type Layout, TAG, type TiffDirectory, TYPE_BYTES } from "./directory.ts";

/** Fields that describe how samples are stored, except the lists of strips and tiles. */
const KEPT: readonly number[] = [
  256, 257, 258, 259, 262, 266, 274, 277, 278, 284, 292, 293, 317, 320, 322, 323, 338, 339, 347, 529, 530, 531, 532,
  32997, 32998,
];
const MOST_FIELD_BYTES = 2 ** 20;
const LONG = 4;
/** Field type of BigTIFF only. */
const LONG8 = 16;
/** Shapes with more strips are not kept, but read again for each page. */
const MOST_SHARED_STRIPS = 256;

/** A field of a classic TIFF. */
export interface ShapeField {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly bytes: Buffer;
}

export interface PageShape {
  readonly fields: readonly ShapeField[];
  readonly isTiled: boolean;
  /** Bytes of each strip or tile. */
  readonly sizes: readonly number[];
}

/** A shape and the offsets of its strips or tiles in the file. */
export interface PlacedShape {
  readonly shape: PageShape;
  readonly places: readonly number[];
}

/** Returns the shape of a page; undefined if the sizes of its strips are not stated. */
export async function readShape(
  source: ByteSource,
  layout: Layout,
  directory: TiffDirectory,
): Promise<PlacedShape | undefined> {
  const isTiled = directory.fields.has(TAG.tiles);
  const places = await fieldNumbers(source, layout, directory, isTiled ? TAG.tiles : TAG.strips);
  const sizes = await fieldNumbers(source, layout, directory, isTiled ? TAG.tileBytes : TAG.stripBytes);
  if (sizes.length < places.length) return undefined;
  const fields = await keptFields(source, layout, directory);
  return { shape: { fields, isTiled, sizes: sizes.slice(0, places.length) }, places };
}

async function keptFields(source: ByteSource, layout: Layout, directory: TiffDirectory): Promise<ShapeField[]> {
  const fields: ShapeField[] = [];
  for (const tag of KEPT) {
    const field = directory.fields.get(tag);
    if (field === undefined) continue;
    if (field.type === LONG8) {
      fields.push(fieldOf(tag, await fieldNumbers(source, layout, directory, tag), layout.little));
      continue;
    }
    // Copied, because a view would keep all the bytes read around it in memory.
    const bytes = Buffer.from(await fieldBytes(source, directory, field, MOST_FIELD_BYTES));
    const count = Math.floor(bytes.length / (TYPE_BYTES[field.type] ?? 1));
    if (count > 0) fields.push({ tag, type: field.type, count, bytes });
  }
  return fields;
}

/** Makes a field of 32-bit numbers. */
export function fieldOf(tag: number, numbers: ArrayLike<number>, little: boolean): ShapeField {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (let index = 0; index < numbers.length; index++) {
    if (little) bytes.writeUInt32LE(numbers[index] ?? 0, 4 * index);
    else bytes.writeUInt32BE(numbers[index] ?? 0, 4 * index);
  }
  return { tag, type: LONG, count: numbers.length, bytes };
}

/** Keeps each distinct page shape once. */
export class SharedShapes {
  readonly #known = new Map<string, PageShape>();

  /** Returns the kept shape that equals this one; undefined if the strips are too many or not contiguous. */
  share({ shape, places }: PlacedShape): PageShape | undefined {
    const { sizes } = shape;
    if (places.length > MOST_SHARED_STRIPS) return undefined;
    const isJoined = places.every((place, at) => at === 0 || place === (places[at - 1] ?? 0) + (sizes[at - 1] ?? 0));
    if (!isJoined) return undefined;
    const key = `${sizes.join()} ${shape.fields.map(({ tag, bytes }) => `${tag}:${bytes.toString("latin1")}`).join()}`;
    const known = this.#known.get(key) ?? shape;
    this.#known.set(key, known);
    return known;
  }
}

/** Returns the offsets of the strips of a contiguous shape that begins at `from`. */
export function placesFrom(from: number, { sizes }: PageShape): number[] {
  let at = from;
  return sizes.map((size) => {
    const place = at;
    at += size;
    return place;
  });
}
