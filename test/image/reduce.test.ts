// Pictures made smaller to be looked at: every format, the values of the original, its size, and no more memory than needed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodePicture } from "../../src/image/decode.ts";
import { decodeReduced } from "../../src/image/reduce.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { writeTiff } from "./picture-writers.ts";

const WIDTH = 203;
const HEIGHT = 101;

/** A slope from left to right, so that a smaller picture has known values. */
function slope(channels: 1 | 3 | 4, depth: 8 | 16) {
  const step = depth === 8 ? 1 : 257;
  const samples = { length: WIDTH * HEIGHT * channels };
  const value = (at: number) => (Math.floor(at / channels) % WIDTH) * step;
  const data =
    depth === 8 ? Uint8Array.from(samples, (_, at) => value(at)) : Uint16Array.from(samples, (_, at) => value(at));
  const space = channels === 1 ? (depth === 8 ? "b-w" : "grey16") : depth === 8 ? "srgb" : "rgb16";
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } }).toColourspace(space);
}

/** An upright 8-bit bitmap with a palette of grays. */
function bitmap(): Uint8Array {
  const stride = Math.ceil(WIDTH / 4) * 4;
  const bytes = Buffer.alloc(54 + 1024 + stride * HEIGHT);
  bytes.write("BM");
  bytes.writeUInt32LE(54 + 1024, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(WIDTH, 18);
  bytes.writeInt32LE(-HEIGHT, 22);
  bytes.writeUInt16LE(8, 28);
  for (let index = 0; index < 256; index++) bytes.fill(index, 54 + 4 * index, 54 + 4 * index + 3);
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) bytes[54 + 1024 + row * stride + column] = column;
  }
  return bytes;
}

const plain = () =>
  writeTiff({
    pixels: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => at % WIDTH),
    width: WIDTH,
    height: HEIGHT,
  });

describe.each([
  ["gray PNG", 8, () => slope(1, 8).png().toBuffer()],
  ["16-bit gray PNG", 16, () => slope(1, 16).png().toBuffer()],
  ["16-bit RGBA PNG", 16, () => slope(4, 16).png().toBuffer()],
  ["interlaced PNG", 16, () => slope(3, 16).png({ progressive: true }).toBuffer()],
  ["JPEG", 8, () => slope(1, 8).jpeg({ quality: 100 }).toBuffer()],
  ["progressive JPEG", 8, () => slope(3, 8).jpeg({ quality: 100, progressive: true }).toBuffer()],
  ["plain TIFF", 8, async () => plain()],
  [
    "tiled TIFF",
    16,
    () => slope(1, 16).tiff({ compression: "lzw", tile: true, tileWidth: 64, tileHeight: 64 }).toBuffer(),
  ],
  ["TIFF of one strip", 8, () => slope(3, 8).tiff({ compression: "deflate" }).toBuffer()],
  ["bitmap", 8, async () => bitmap()],
  ["packed PNG", 8, async () => gzipSync(await slope(1, 8).png().toBuffer())],
] as const)("%s", (_, bitDepth, bytes) => {
  it("is as it was where it is small enough, and a quarter of each side where it is not", async () => {
    const path = join(temporaryDirectory(), "picture");
    writeFileSync(path, await bytes());
    const whole = await decodePicture(path);
    expect(await decodeReduced(path, path, WIDTH * HEIGHT)).toEqual({
      picture: whole,
      width: WIDTH,
      height: HEIGHT,
      scale: 1,
    });
    const { picture, width, height, scale } = await decodeReduced(path, path, (WIDTH * HEIGHT) / 5);
    expect([width, height, scale]).toEqual([WIDTH, HEIGHT, 4]);
    expect([picture.width, picture.height, picture.bitDepth]).toEqual([51, 26, bitDepth]);
    expect(picture.pixels).toHaveLength(51 * 26);
    const top = bitDepth === 8 ? 1 : 257;
    for (const column of [5, 20, 40]) {
      const value = (picture.pixels[10 * 51 + column] as number) / top;
      // Somewhere within the four pixels it stands for.
      expect(value).toBeGreaterThanOrEqual(4 * column - 1.5);
      expect(value).toBeLessThanOrEqual(4 * column + 4.5);
    }
  });
});
