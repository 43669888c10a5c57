// TIFF files that name the bits of the sensor and store 16 bits for each sample.
import { deflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { decodeBytes } from "../../src/image/decode.ts";
import { type GrayPicture, randomFrom, writeTiff } from "./picture-writers.ts";

const [WIDTH, HEIGHT] = [37, 24];

/** Values of a sensor of so many bits. */
function ofSensor(bits: number): GrayPicture {
  const random = randomFrom(bits);
  const pixels = Uint16Array.from({ length: WIDTH * HEIGHT }, () => random() * 2 ** bits);
  return { pixels, width: WIDTH, height: HEIGHT };
}

/** One strip, deflated. */
function deflated(picture: GrayPicture, bits: number): Uint8Array {
  const { buffer } = picture.pixels;
  const strip = deflateSync(new Uint8Array(buffer));
  const file = writeTiff(
    { pixels: new Uint8Array(strip), width: strip.length, height: 1 },
    { fields: { 256: WIDTH, 257: HEIGHT, 258: bits, 259: 8, 278: HEIGHT } },
  );
  return file;
}

it.each([10, 12, 14].flatMap((bits) => [true, false].map((little) => ({ bits, little }))))(
  "$bits bits in 16, little-endian: $little: as stored",
  async ({ bits, little }) => {
    const picture = ofSensor(bits);
    for (const rowsPerStrip of [HEIGHT, 5]) {
      const bytes = writeTiff(picture, { little, rowsPerStrip, fields: { 258: bits } });
      for (const reading of ["precise", "established"] as const) {
        const read = await decodeBytes(bytes, "sensor.tif", reading);
        expect(read.bitDepth).toBe(16);
        expect([...read.pixels]).toEqual([...picture.pixels]);
      }
    }
  },
);

it("the same in deflate", async () => {
  const picture = ofSensor(12);
  expect([...(await decodeBytes(deflated(picture, 12), "sensor.tif")).pixels]).toEqual([...picture.pixels]);
});
