// Reads all samples of a picture in a TIFF: unpacks its strips or tiles and joins them to rows without gaps.
import { endianness } from "node:os";
import { COMPRESSION, hasPredictor, isDeflate, isDeflateWhole, unpackStrip } from "./compression.ts";
import type { PageFields } from "./page-fields.ts";
import { joinFloats, PREDICTOR, sumUp } from "./predictor.ts";

const NATIVE_IS_LITTLE = endianness() === "LE";

const LARGEST_SMALL_TILE = 2 ** 24;
const MOST_TILE_SHARE = 4;

/** Rows with all samples of each pixel, or rows of one plane. */
export interface Rows {
  /** Integer samples of 16, 32 and 64 bits are in this machine's byte order; samples of other sizes are as in the file. */
  readonly bytes: Uint8Array;
  readonly rowBytes: number;
}

/**
 * Returns the rows of plane `plane` (0 if the samples are not in separate planes); undefined if a strip or tile is incomplete.
 */
export async function readRows(file: Uint8Array, fields: PageFields, plane = 0): Promise<Rows | undefined> {
  const { width, height, bits, blockWidth, blockHeight, isTiled, isPlanar } = fields;
  if (blockWidth < 1 || blockHeight < 1) return undefined;
  const samples = isPlanar ? 1 : fields.samples;
  const rowBytes = Math.ceil((width * samples * bits) / 8);
  const blockRowBytes = isTiled ? Math.ceil((blockWidth * samples * bits) / 8) : rowBytes;
  const [across, down] = [isTiled ? Math.ceil(width / blockWidth) : 1, Math.ceil(height / blockHeight)];
  if (blockRowBytes * blockHeight > largestBlock(rowBytes * height)) return undefined;
  const bytes = new Uint8Array(rowBytes * height);
  for (let block = 0; block < across * down; block++) {
    const index = plane * across * down + block;
    const [place, size] = [fields.places[index], fields.sizes[index]];
    if (place === undefined || size === undefined || place + size > file.length) return undefined;
    const firstRow = Math.floor(block / across) * blockHeight;
    const rows = isTiled ? blockHeight : Math.min(blockHeight, height - firstRow);
    const packed = inOrder(file.subarray(place, place + size), fields.fillOrder);
    const plain = await unpackStrip(fields.compression, packed, rows * blockRowBytes);
    if (plain === undefined) return undefined;
    const undone = withoutPredictor(plain, fields, blockRowBytes, samples);
    putBlock(bytes, rowBytes, undone, blockRowBytes, firstRow, (block % across) * blockRowBytes, height);
  }
  return { bytes, rowBytes };
}

/** Limit for a tile's size, even if a damaged field states more. */
const largestBlock = (pictureBytes: number): number => Math.max(LARGEST_SMALL_TILE, MOST_TILE_SHARE * pictureBytes);

/**
 * Whether the strips or tiles of a picture for libtiff are intact, as far as checksums can show it: libtiff does not verify the
 * checksum of deflate. True for other compressions.
 */
export function hasSoundBlocks(file: Uint8Array, fields: PageFields): boolean {
  const { width, height, samples, bits, compression, places, sizes, fillOrder } = fields;
  if (!isDeflate(compression)) return true;
  const most = largestBlock(Math.ceil((width * samples * bits) / 8) * height);
  return places.every((place, index) =>
    isDeflateWhole(inOrder(file.subarray(place, place + (sizes[index] ?? 0)), fillOrder), most),
  );
}

function putBlock(
  target: Uint8Array,
  rowBytes: number,
  block: Uint8Array,
  blockRowBytes: number,
  firstRow: number,
  firstByte: number,
  height: number,
): void {
  const rows = Math.min(block.length / blockRowBytes, height - firstRow);
  if (blockRowBytes === rowBytes) {
    target.set(block.subarray(0, rows * rowBytes), firstRow * rowBytes);
    return;
  }
  const length = Math.min(blockRowBytes, rowBytes - firstByte);
  for (let row = 0; row < rows; row++) {
    const from = row * blockRowBytes;
    target.set(block.subarray(from, from + length), (firstRow + row) * rowBytes + firstByte);
  }
}

/** Returns the bytes with the highest bit first. */
function inOrder(bytes: Uint8Array, fillOrder: number): Uint8Array {
  if (fillOrder !== 2) return bytes;
  return Uint8Array.from(bytes, (byte) => {
    let turned = 0;
    for (let bit = 0; bit < 8; bit++) turned |= ((byte >> bit) & 1) << (7 - bit);
    return turned;
  });
}

/**
 * Undoes the predictor: returns samples instead of differences, in this machine's byte order. May change `plain` if that is a
 * copy.
 */
function withoutPredictor(plain: Uint8Array, fields: PageFields, rowBytes: number, samples: number): Uint8Array {
  const { bits, little, compression } = fields;
  const predictor = hasPredictor(compression) ? fields.predictor : PREDICTOR.none;
  if (predictor === PREDICTOR.float) return joinFloats(plain, rowBytes, bits / 8, samples, NATIVE_IS_LITTLE);
  const swap = little !== NATIVE_IS_LITTLE && bits > 8 && bits % 8 === 0;
  if (!swap && predictor === PREDICTOR.none) return plain;
  const isOwn = compression !== COMPRESSION.none && plain.byteOffset % 8 === 0;
  const { buffer, byteOffset, byteLength } = isOwn ? plain : new Uint8Array(plain);
  const own = Buffer.from(buffer, byteOffset, byteLength);
  if (swap && bits === 16) own.swap16();
  if (swap && bits === 32) own.swap32();
  if (swap && bits === 64) own.swap64();
  if (predictor === PREDICTOR.none) return own;
  if (bits === 8) sumUp(own, rowBytes, samples);
  if (bits === 16) sumUp(new Uint16Array(buffer, byteOffset, byteLength / 2), rowBytes / 2, samples);
  if (bits === 32) sumUp(new Uint32Array(buffer, byteOffset, byteLength / 4), rowBytes / 4, samples);
  return own;
}
