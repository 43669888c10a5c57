import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { decodeBytes, decodePicture } from "../../src/image/decode.ts";
import { isPictureName } from "../../src/image/picture-name.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const directory = temporaryDirectory("phorest-decode-");
const WIDTH = 37;
const HEIGHT = 23;
const LOSSLESS = { compression: "lzw" } as const;

function put(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

const gray8 = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => (pixel * 7919) % 256);
const gray16 = Uint16Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => (pixel * 7919) % 65536);
const colour8 = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, sample) => (sample * 6151) % 256);
const colour16 = Uint16Array.from({ length: 3 * WIDTH * HEIGHT }, (_, sample) => (sample * 6151) % 65536);

function of(samples: Uint8Array | Uint16Array, channels: 1 | 3 | 4, space: string) {
  return sharp(samples, { raw: { width: WIDTH, height: HEIGHT, channels } }).toColourspace(space);
}

/** 0.299 R + 0.587 G + 0.114 B in OpenCV's 15-bit integers, written out independently of the product. */
function openCvGray(samples: Uint8Array | Uint16Array, channels: number): number[] {
  return Array.from({ length: samples.length / channels }, (_, pixel) => {
    const [r = 0, g = 0, b = 0] = samples.subarray(pixel * channels, pixel * channels + 3);
    return Math.floor((9798 * r + 19235 * g + 3735 * b + 16384) / 32768);
  });
}

async function refusal(path: string): Promise<Failure> {
  const thrown = await decodePicture(path).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}

function bitmap(
  bitsPerPixel: 8 | 24 | 32,
  pixel: (row: number, column: number) => number[],
  topDown = false,
): Uint8Array {
  const palette = bitsPerPixel === 8 ? 256 * 4 : 0;
  const stride = Math.ceil((WIDTH * bitsPerPixel) / 32) * 4;
  const bytes = Buffer.alloc(54 + palette + stride * HEIGHT);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54 + palette, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(WIDTH, 18);
  bytes.writeInt32LE(topDown ? -HEIGHT : HEIGHT, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bitsPerPixel, 28);
  for (let index = 0; index < palette / 4; index++) bytes.fill(index, 54 + 4 * index, 54 + 4 * index + 3);
  for (let row = 0; row < HEIGHT; row++) {
    const at = 54 + palette + stride * (topDown ? row : HEIGHT - 1 - row);
    for (let column = 0; column < WIDTH; column++) bytes.set(pixel(row, column), at + (column * bitsPerPixel) / 8);
  }
  return bytes;
}

/** A TIFF of one pixel, a 32-bit float. */
function floatTiff(): Uint8Array {
  const fields = [
    [256, 1],
    [257, 1],
    [258, 32],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 1],
    [279, 4],
    [339, 3],
  ];
  const bytes = Buffer.alloc(12 + 2 + 12 * fields.length + 4);
  bytes.set([0x49, 0x49, 0x2a, 0, 12]);
  bytes.writeFloatLE(1.5, 8);
  bytes.writeUInt16LE(fields.length, 12);
  fields.forEach(([tag = 0, value = 0], index) => {
    const at = 14 + 12 * index;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(tag === 273 || tag === 279 ? 4 : 3, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  });
  return bytes;
}

describe("pixels come out as they were stored", () => {
  it.each(["png", "tiff"] as const)("8-bit gray %s, exactly", async (format) => {
    const bytes = await of(gray8, 1, "b-w")[format](LOSSLESS).toBuffer();
    const picture = await decodePicture(put(`gray8.${format}`, bytes));
    expect(picture).toEqual({ pixels: gray8, width: WIDTH, height: HEIGHT, bitDepth: 8 });
  });

  it.each(["png", "tiff"] as const)("16-bit gray %s, exactly", async (format) => {
    const bytes = await of(gray16, 1, "grey16")[format](LOSSLESS).toBuffer();
    const picture = await decodePicture(put(`gray16.${format}`, bytes));
    expect(picture).toEqual({ pixels: gray16, width: WIDTH, height: HEIGHT, bitDepth: 16 });
  });

  it("colour becomes gray with OpenCV's rounding, 8 and 16 bit", async () => {
    const narrow = await decodeBytes(await of(colour8, 3, "srgb").png().toBuffer(), "c8");
    expect(Array.from(narrow.pixels)).toEqual(openCvGray(colour8, 3));
    const wide = await decodeBytes(await of(colour16, 3, "rgb16").png().toBuffer(), "c16");
    expect(wide.bitDepth).toBe(16);
    expect(Array.from(wide.pixels)).toEqual(openCvGray(colour16, 3));
  });

  it("alpha is ignored, not blended", async () => {
    const samples = Uint8Array.from({ length: 4 * WIDTH * HEIGHT }, (_, sample) => (sample * 6151) % 256);
    const picture = await decodeBytes(await of(samples, 4, "srgb").png().toBuffer(), "alpha");
    expect(Array.from(picture.pixels)).toEqual(openCvGray(samples, 4));
  });

  it("a colour profile and an EXIF orientation change nothing", async () => {
    const plain = await decodeBytes(await of(gray8, 1, "b-w").png().toBuffer(), "plain");
    const marked = await of(colour8, 3, "srgb")
      .withIccProfile("p3", { attach: true })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const stored = await sharp(marked, { ignoreIcc: true }).raw().toBuffer();
    const picture = await decodeBytes(marked, "marked");
    expect([picture.width, picture.height]).toEqual([plain.width, plain.height]);
    expect(Array.from(picture.pixels)).toEqual(openCvGray(stored, 3));
  });

  it("a JPEG within its own loss", async () => {
    const smooth = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => 100 + (pixel % WIDTH));
    const picture = await decodeBytes(await of(smooth, 1, "b-w").jpeg({ quality: 100 }).toBuffer(), "jpeg");
    expect(
      Math.max(...picture.pixels.map((value, pixel) => Math.abs(value - (smooth[pixel] ?? 0)))),
    ).toBeLessThanOrEqual(2);
  });

  it.each([
    ["8-bit, bottom row first", bitmap(8, (row, column) => [(row * 5 + column) % 256])],
    ["8-bit, top row first", bitmap(8, (row, column) => [(row * 5 + column) % 256], true)],
    ["24-bit, bottom row first", bitmap(24, (row, column) => Array(3).fill((row * 5 + column) % 256))],
    ["32-bit, top row first", bitmap(32, (row, column) => [...Array(3).fill((row * 5 + column) % 256), 17], true)],
  ])("a bitmap, %s", async (_, bytes) => {
    const expected = Uint8Array.from(
      { length: WIDTH * HEIGHT },
      (_, at) => (Math.floor(at / WIDTH) * 5 + (at % WIDTH)) % 256,
    );
    expect(await decodePicture(put("picture.bmp", bytes))).toEqual({
      pixels: expected,
      width: WIDTH,
      height: HEIGHT,
      bitDepth: 8,
    });
  });

  it("a bitmap with a width of whole words, whose rows have no gaps, and one whose palette runs backwards", async () => {
    const wide = Buffer.from(bitmap(8, (row, column) => [(row * 5 + column) % 256], true));
    wide.writeInt32LE(40, 18);
    const picture = await decodeBytes(wide, "no gaps");
    expect([picture.width, picture.pixels.length, picture.pixels[40 * 2 + 3]]).toEqual([40, 40 * HEIGHT, 13]);
    const backwards = Buffer.from(bitmap(8, (row) => [row]));
    for (let index = 0; index < 256; index++) backwards.fill(255 - index, 54 + 4 * index, 57 + 4 * index);
    expect((await decodeBytes(backwards, "backwards")).pixels[3 * WIDTH]).toBe(252);
  });

  it("a bitmap's colours are taken in the order blue, green, red", async () => {
    const picture = await decodeBytes(
      bitmap(24, () => [0, 0, 255]),
      "red",
    );
    expect(picture.pixels[0]).toBe(76);
  });

  it("gzip of every format gives the same picture", async () => {
    const files = {
      png: await of(gray8, 1, "b-w").png().toBuffer(),
      tiff: await of(gray16, 1, "grey16").tiff().toBuffer(),
      jpg: await of(gray8, 1, "b-w").jpeg().toBuffer(),
      bmp: bitmap(8, (row) => [row]),
    };
    for (const [extension, bytes] of Object.entries(files)) {
      const packed = await decodePicture(put(`picture.${extension}.gz`, gzipSync(bytes)));
      expect(packed).toEqual(await decodeBytes(bytes, extension));
    }
  });

  it("1 x 1, all black and all white pictures, and a name with spaces and other letters", async () => {
    const one = sharp(Uint8Array.of(7), { raw: { width: 1, height: 1, channels: 1 } }).toColourspace("b-w");
    expect((await decodePicture(put("Bild Nr. 1 – ölig 图.png", await one.png().toBuffer()))).pixels).toEqual(
      Uint8Array.of(7),
    );
    for (const level of [0, 255]) {
      const flat = new Uint8Array(WIDTH * HEIGHT).fill(level);
      expect((await decodeBytes(await of(flat, 1, "b-w").png().toBuffer(), "flat")).pixels).toEqual(flat);
      const white = new Uint8Array(3 * WIDTH * HEIGHT).fill(level);
      expect((await decodeBytes(await of(white, 3, "srgb").png().toBuffer(), "flat colour")).pixels).toEqual(flat);
    }
  });
});

describe("what is not a whole picture is refused with one plain line that names the file", () => {
  it("missing", async () => {
    const failure = await refusal(join(directory, "nowhere.png"));
    expect(failure.code).toBe("frame.missing");
    expect(failure.line).toContain("nowhere.png: no such file (");
  });

  it.each([
    ["zero bytes", () => Buffer.alloc(0), "the file is empty"],
    ["text renamed .png", () => Buffer.from("not a picture at all, only text"), "not an image"],
    ["an SVG", () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), "not an image"],
    [
      "a truncated PNG",
      async () => (await of(gray8, 1, "b-w").png().toBuffer()).subarray(0, -40),
      "damaged or incomplete",
    ],
    [
      "a truncated JPEG",
      async () => (await of(gray8, 1, "b-w").jpeg().toBuffer()).subarray(0, -40),
      "damaged or incomplete",
    ],
    [
      "a truncated TIFF",
      async () => (await of(gray8, 1, "b-w").tiff().toBuffer()).subarray(0, -40),
      "damaged or incomplete",
    ],
    ["a truncated bitmap", () => bitmap(24, () => [1, 2, 3]).subarray(0, -4), "the bitmap is incomplete"],
    ["a truncated gzip", () => gzipSync(Buffer.from(gray8)).subarray(0, -9), "the gzip file is damaged or incomplete"],
    ["gzip of text", () => gzipSync("only text"), "not an image"],
  ])("%s", async (name, bytes, reason) => {
    const failure = await refusal(put(`${name}.png`, await bytes()));
    expect(failure.code).toBe("frame.unreadable");
    expect(failure.line).toContain(`${name}.png: `);
    expect(failure.line).toContain(reason);
    expect(failure.line).not.toContain("\n");
    expect(failure.hint).toBeTruthy();
  });

  it("a corrupted byte in the compressed pixels of a PNG", async () => {
    const bytes = Uint8Array.from(await of(gray8, 1, "b-w").png().toBuffer());
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    expect((await refusal(put("bit rot.png", bytes))).code).toBe("frame.unreadable");
  });

  it("a compressed or palette-damaged bitmap, a directory", async () => {
    const compressed = Uint8Array.from(bitmap(8, () => [1]));
    compressed[30] = 1;
    expect((await refusal(put("rle.bmp", compressed))).message).toContain("a compressed bitmap");
    const few = Uint8Array.from(bitmap(24, () => [1, 2, 3]));
    few[28] = 4;
    expect((await refusal(put("four.bmp", few))).message).toContain("4 bits per pixel");
    expect((await refusal(directory)).code).toBe("frame.unreadable");
  });

  it("floating-point and CMYK samples are refused, not guessed at", async () => {
    expect((await refusal(put("float.tif", floatTiff()))).message).toContain(
      "a TIFF with floating-point samples of 32 bits",
    );
    const cmyk = await of(colour8, 3, "cmyk").tiff().toBuffer();
    expect((await refusal(put("cmyk.tif", cmyk))).message).toContain('unsupported colour space "cmyk"');
  });
});

it("picture names are told by their ending in any case; hidden files and half-written ones are not pictures", () => {
  expect(["a.PNG", "b.tif.gz", "c.jpeg", "d.BMP.GZ"].map(isPictureName)).toEqual([true, true, true, true]);
  expect(["a.json", ".a.png", "a.png.part", "png", "a.gz"].map(isPictureName)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
});
