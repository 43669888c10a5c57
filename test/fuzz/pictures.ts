// Damaged pictures, and what a general reader makes of them: sharp is the judge of every file that it can read.
import sharp from "sharp";
import { Failure } from "../../src/failure/failure.ts";
import { decodeBytes } from "../../src/image/decode.ts";
import { isReadHere } from "../../src/image/tiff/kinds.ts";
import { readPageFields } from "../../src/image/tiff/page-fields.ts";
import { crc32Of } from "../image/crc32.ts";
import { grayPicture, type PngFilter, randomFrom, writePng, writeTiff } from "../image/picture-writers.ts";

type Random = () => number;

export interface Seed {
  readonly kind: "png" | "tiff" | "bmp";
  readonly bytes: Uint8Array;
}

/** Small sound files of every kind that has a fast way. */
export function seedPictures(): Seed[] {
  const random = randomFrom(7);
  const mixed = () => Math.floor(random() * 5) as PngFilter;
  const eight = grayPicture(37, 23, 8, 1);
  const sixteen = grayPicture(21, 35, 16, 2);
  const bmp = Buffer.alloc(54 + 1024 + 40 * 23);
  bmp.write("BM");
  for (const [at, value] of [
    [2, bmp.length],
    [10, 1078],
    [14, 40],
    [18, 37],
    [22, 23],
  ] as const) {
    bmp.writeUInt32LE(value, at);
  }
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(8, 28);
  for (let gray = 0; gray < 256; gray++) bmp.fill(gray, 54 + 4 * gray, 57 + 4 * gray);
  return [
    { kind: "png", bytes: writePng(eight, { filterOf: mixed }) },
    { kind: "png", bytes: writePng(sixteen, { filterOf: mixed, stretchBytes: 100 }) },
    { kind: "png", bytes: writePng(eight, { filterOf: mixed, level: 0 }) },
    { kind: "tiff", bytes: writeTiff(eight, { rowsPerStrip: 5 }) },
    { kind: "tiff", bytes: writeTiff(sixteen, { little: false }) },
    { kind: "bmp", bytes: bmp },
  ];
}

const INTERESTING = [0, 1, 2, 4, 8, 16, 127, 128, 254, 255];

/** A copy with a few damages: bytes changed, a stretch removed, doubled or zeroed, the end cut off. */
export function damage(bytes: Uint8Array, random: Random): Uint8Array {
  let damaged = Uint8Array.from(bytes);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let count = 1 + below(3); count > 0; count--) {
    // The head of a file says what the rest means.
    const at = below(random() < 0.5 ? Math.min(64, damaged.length) : damaged.length);
    const size = 1 + below(8);
    const kind = random();
    if (kind < 0.4) damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8));
    else if (kind < 0.7) damaged[at] = INTERESTING[below(INTERESTING.length)] ?? 0;
    else if (kind < 0.8) damaged.fill(0, at, Math.min(at + size, damaged.length));
    else if (kind < 0.87) damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + size)]);
    else if (kind < 0.94) damaged = Buffer.concat([damaged.subarray(0, at + size), damaged.subarray(at)]);
    else damaged = damaged.subarray(0, at);
  }
  return damaged;
}

/** The same file with every checksum of its chunks made right, so that damage reaches what lies behind them. */
function mendChecksums(png: Uint8Array): Uint8Array {
  const mended = Buffer.from(png);
  for (let at = 8; at + 12 <= mended.length; ) {
    const length = mended.readUInt32BE(at);
    if (at + 12 + length > mended.length) break;
    mended.writeUInt32BE(crc32Of(mended.subarray(at + 4, at + 8 + length)), at + 8 + length);
    at += 12 + length;
  }
  return mended;
}

/** Pixels as text that can be compared, or "refused". */
async function outcomeOfProduct(bytes: Uint8Array): Promise<string> {
  try {
    const { pixels, width, height, bitDepth } = await decodeBytes(bytes, "fuzzed");
    return `${width}x${height}x${bitDepth} ${Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength).toString("base64")}`;
  } catch (error) {
    if (error instanceof Failure && error.code === "frame.unreadable") return "refused";
    throw error;
  }
}

/** What sharp says of a gray picture; undefined where the product has rules of its own (colour, other samples). */
async function outcomeOfSharp(bytes: Uint8Array): Promise<string | undefined> {
  const options = { failOn: "error", limitInputPixels: 400_000_000, ignoreIcc: true, autoOrient: false } as const;
  try {
    const { depth, space } = await sharp(bytes, options).metadata();
    const deep = depth === "ushort";
    if ((!deep && depth !== "uchar") || (space !== "b-w" && space !== "grey16")) return undefined;
    const { data, info } = await sharp(bytes, options)
      .removeAlpha()
      .toColourspace(deep ? "grey16" : "b-w")
      .raw({ depth: deep ? "ushort" : "uchar" })
      .toBuffer({ resolveWithObject: true });
    return `${info.width}x${info.height}x${deep ? 16 : 8} ${data.toString("base64")}`;
  } catch {
    // Whatever the reason, the file cannot be read.
    return "refused";
  }
}

/** Bytes that claim more pixels than this would make the general reader slow, not wrong. */
const MOST_CLAIMED = 4e6;

function claimsTooMuch(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length >= 24 && bytes[0] === 0x89 && view.getUint32(16) * view.getUint32(20) > MOST_CLAIMED;
}

/**
 * Whether a TIFF is of a kind that the product reads and sharp does not. The product also turns pictures upright, and takes an
 * orientation that does not exist for upright; sharp does neither.
 */
async function isReadOtherwise(bytes: Uint8Array): Promise<boolean> {
  const fields = await readPageFields(bytes);
  if (fields === undefined) return false;
  return isReadHere(fields) || fields.orientation !== 1 || fields.invalidOrientationAt !== undefined;
}

/**
 * Damages a random seed and reads it both ways. Returns what differs, or undefined where both agree. Throws what the
 * product must never throw.
 */
export async function tryDamaged(seeds: readonly Seed[], random: Random): Promise<string | undefined> {
  const seed = seeds[Math.floor(random() * seeds.length)] as Seed;
  const damaged = damage(seed.bytes, random);
  const bytes = seed.kind === "png" && random() < 0.7 ? mendChecksums(damaged) : damaged;
  if (claimsTooMuch(bytes)) return undefined;
  const ours = await outcomeOfProduct(bytes);
  // sharp reads no bitmap: there the product's own reader only has to end with a picture or a refusal.
  if (bytes[0] === 0x42 && bytes[1] === 0x4d) return undefined;
  if (await isReadOtherwise(bytes)) return undefined;
  const theirs = await outcomeOfSharp(bytes);
  if (theirs === undefined || theirs === ours) return undefined;
  return `${seed.kind} ${Buffer.from(bytes).toString("base64")}: ${ours.slice(0, 60)} against ${theirs.slice(0, 60)}`;
}
