import { endianness } from "node:os";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeBytes } from "../../src/image/decode.ts";
import { decodePlainPng } from "../../src/image/plain-png.ts";
import { decodePlainTiff } from "../../src/image/tiff.ts";
import {
  type GrayPicture,
  grayPicture,
  type PngFilter,
  pngChunk,
  randomFrom,
  writePng,
  writeTiff,
} from "./picture-writers.ts";

const SIZES = [
  [1, 1],
  [1, 40],
  [2, 16],
  [15, 17],
  [16, 33],
  [37, 23],
  [131, 48],
] as const;
const DEPTHS = [8, 16] as const;

function expectPixels(decoded: unknown, { pixels, width, height }: GrayPicture): void {
  expect(decoded).toEqual({ pixels, width, height, bitDepth: pixels instanceof Uint16Array ? 16 : 8 });
}

/** What the general reader finds, without any way of our own. */
async function bySharp(bytes: Uint8Array, deep: boolean): Promise<number[]> {
  const data = await sharp(bytes)
    .toColourspace(deep ? "grey16" : "b-w")
    .raw({ depth: deep ? "ushort" : "uchar" })
    .toBuffer();
  return Array.from(deep ? new Uint16Array(Uint8Array.from(data).buffer) : data);
}

describe("a plain gray PNG comes out to the last bit", () => {
  const mixtures: readonly [string, (row: number) => PngFilter][] = [
    ["none", () => 0],
    ["sub", () => 1],
    ["up", () => 2],
    ["average", () => 3],
    ["paeth", () => 4],
    ["all filters in turn", (row) => (row % 5) as PngFilter],
    ["all filters in turn, the other way round", (row) => (4 - (row % 5)) as PngFilter],
    ["sixteen rows without a filter, then average", (row) => (row < 16 ? 0 : 3)],
  ];
  it.each(mixtures)("filter: %s, 8 and 16 bit, odd sizes", (_, filterOf) => {
    for (const depth of DEPTHS) {
      for (const [width, height] of SIZES) {
        const picture = grayPicture(width, height, depth, width * height + depth);
        expectPixels(decodePlainPng(writePng(picture, { filterOf })), picture);
      }
    }
  });

  it("as sharp reads it, for random mixtures of filters", async () => {
    const random = randomFrom(11);
    for (const depth of DEPTHS) {
      const bytes = writePng(grayPicture(75, 61, depth, depth), {
        filterOf: () => Math.floor(random() * 5) as PngFilter,
      });
      expect(Array.from(decodePlainPng(bytes)?.pixels ?? [])).toEqual(await bySharp(bytes, depth === 16));
    }
  });

  it("however the compressed data are split, and however well they are compressed", () => {
    const picture = grayPicture(61, 45, 16, 3);
    for (const stretchBytes of [1, 7, 1000, 1e6]) {
      for (const level of [0, 1, 9]) {
        expectPixels(decodePlainPng(writePng(picture, { filterOf: () => 4, stretchBytes, level })), picture);
      }
    }
  });

  it("from bytes at an odd address", () => {
    const picture = grayPicture(20, 20, 16, 4);
    const bytes = writePng(picture);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expectPixels(decodePlainPng(shifted.subarray(1)), picture);
  });
});

describe("a PNG that is not plain and sound is left to the general reader", () => {
  const picture = grayPicture(37, 23, 8, 5);
  const physical = pngChunk("pHYs", Uint8Array.of(0, 0, 11, 19, 0, 0, 11, 19, 1));

  it("but resolution and gamma do not keep it from being plain", () => {
    const gamma = pngChunk("gAMA", Uint8Array.of(0, 0, 0xb1, 0x8f));
    expectPixels(decodePlainPng(writePng(picture, { before: [physical, gamma] })), picture);
  });

  it.each([
    ["transparency", writePng(picture, { before: [pngChunk("tRNS", Uint8Array.of(0, 7))] })],
    ["a colour profile", writePng(picture, { before: [pngChunk("iCCP", Uint8Array.of(65, 0, 0, 1, 2))] })],
    ["an unknown critical chunk", writePng(picture, { before: [pngChunk("ABCD", new Uint8Array(0))] })],
    ["data in two places", writePng(picture, { behind: [physical, pngChunk("IDAT", Uint8Array.of(1))] })],
    ["bytes behind its end", Buffer.concat([writePng(picture), Buffer.from("more")])],
    ["a filter that does not exist", writePng(picture, { filterOf: () => 9 as PngFilter })],
  ])("%s", (_, bytes) => {
    expect(decodePlainPng(bytes)).toBeUndefined();
  });

  it("colour, palette, other depths, interlacing, and sizes that nothing can hold", () => {
    const good = writePng(picture);
    const withHeader = (at: number, ...values: number[]) => {
      const header = Buffer.from(good.subarray(16, 29));
      header.set(values, at);
      return Buffer.concat([good.subarray(0, 8), pngChunk("IHDR", header), good.subarray(33)]);
    };
    expect(decodePlainPng(withHeader(8, 8))).toBeDefined();
    for (const bytes of [
      withHeader(9, 2),
      withHeader(9, 3),
      withHeader(9, 4),
      withHeader(8, 4),
      withHeader(12, 1),
      withHeader(0, 0, 0, 0, 0),
      withHeader(0, 0, 0, 255, 255, 0, 0, 255, 255),
      withHeader(0, 255, 255, 255, 255, 255, 255, 255, 255),
    ]) {
      expect(decodePlainPng(bytes)).toBeUndefined();
    }
  });

  it("one wrong bit anywhere, and every cut", async () => {
    const bytes = writePng(grayPicture(9, 5, 8, 6), { filterOf: () => 4, before: [physical] });
    for (let at = 0; at < bytes.length; at++) {
      const wrong = Uint8Array.from(bytes);
      wrong[at] = (wrong[at] ?? 0) ^ (1 << (at % 8));
      expect(decodePlainPng(wrong), `bit of byte ${at}`).toBeUndefined();
      expect(decodePlainPng(bytes.subarray(0, at)), `cut at ${at}`).toBeUndefined();
    }
  });

  it("a wrong checksum of the pixels is a refusal, not a picture", async () => {
    const bytes = Buffer.from(writePng(picture));
    const compressed = Buffer.from(bytes.subarray(41, bytes.length - 16));
    compressed[compressed.length - 1] = (compressed.at(-1) ?? 0) ^ 1;
    const wrong = Buffer.concat([bytes.subarray(0, 33), pngChunk("IDAT", compressed), bytes.subarray(-12)]);
    await expect(decodeBytes(wrong, "wrong.png")).rejects.toMatchObject({ code: "frame.unreadable" });
  });

  it("too few and too many rows", () => {
    const bytes = writePng(picture);
    for (const size of [38 * 23 - 1, 38 * 24]) {
      const data = pngChunk("IDAT", deflateSync(new Uint8Array(size)));
      expect(decodePlainPng(Buffer.concat([bytes.subarray(0, 33), data, bytes.subarray(-12)]))).toBeUndefined();
    }
  });
});

describe("an uncompressed gray TIFF comes out to the last bit", () => {
  it("8 and 16 bit, both byte orders, one strip or many, in one piece or apart", async () => {
    for (const depth of DEPTHS) {
      const picture = grayPicture(37, 23, depth, depth);
      for (const little of [true, false]) {
        for (const rowsPerStrip of [1, 5, 23, 100]) {
          for (const gap of [0, 3]) {
            const bytes = writeTiff(picture, { little, rowsPerStrip, gap });
            expectPixels(decodePlainTiff(bytes), picture);
            expect(Array.from(picture.pixels)).toEqual(await bySharp(bytes, depth === 16));
          }
        }
      }
    }
  });

  it.each(DEPTHS)(
    "%i bit, without a second copy where it lies in one piece and in the processor's byte order",
    (depth) => {
      const picture = grayPicture(37, 23, depth, depth);
      const little = endianness() === "LE";
      const bytes = Uint8Array.from(writeTiff(picture, { little, rowsPerStrip: 5 }));
      const decoded = decodePlainTiff(bytes);
      expectPixels(decoded, picture);
      expect(decoded?.pixels.buffer === bytes.buffer).toBe(true);
    },
  );

  it("as sharp writes it", async () => {
    const { pixels, width, height } = grayPicture(40, 30, 8, 8);
    const raw = { width, height, channels: 1 } as const;
    const bytes = await sharp(pixels, { raw }).toColourspace("b-w").tiff({ compression: "none" }).toBuffer();
    expectPixels(decodePlainTiff(bytes), { pixels, width, height });
  });

  it.each([
    ["compressed", { 259: 5 }],
    ["white at zero", { 262: 0 }],
    ["turned", { 274: 6 }],
    ["of three samples", { 277: 3 }],
    ["signed", { 339: 2 }],
    ["of 12 bits", { 258: 12 }],
    ["with a field that is unknown", { 700: 1 }],
    ["higher than its strips", { 257: 24 }],
  ])("but is left to the general reader when it is %s", (_, fields) => {
    expect(decodePlainTiff(writeTiff(grayPicture(37, 23, 8, 9), { fields }))).toBeUndefined();
  });
});
