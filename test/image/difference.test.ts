import { expect, test } from "vitest";
import { pictureDifference } from "../../src/image/difference.ts";
import type { Picture } from "../../src/image/picture.ts";

const picture = (pixels: number[]): Picture => ({
  pixels: Uint8Array.from(pixels),
  width: pixels.length,
  height: 1,
  bitDepth: 8,
});

test("red where the second is brighter, blue where the first is, white where they agree", () => {
  const { rgb, fullScale, gain } = pictureDifference(picture([100, 140, 100]), picture([140, 100, 100]));
  expect([fullScale, gain]).toEqual([40, 1]);
  expect([...rgb]).toEqual([178, 24, 43, 33, 102, 172, 255, 255, 255]);
});

test("the second is scaled to the brightness of the first", () => {
  const { rgb, gain } = pictureDifference(picture([50, 100, 150]), picture([25, 50, 75]));
  expect(gain).toBe(2);
  expect([...rgb]).toEqual(new Array(9).fill(255));
});

test("a single speck does not set the scale", () => {
  const [a, b] = [new Array<number>(3000).fill(100), new Array<number>(3000).fill(100)];
  for (let at = 0; at < 30; at += 1) [b[at], b[at + 30]] = [110, 90];
  b[2999] = 255;
  b[2998] = 0;
  expect(pictureDifference(picture(a), picture(b)).fullScale).toBeLessThan(13);
});
