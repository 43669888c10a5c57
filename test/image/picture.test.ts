import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { captureClock, exposureMoment } from "../../src/cameras/timestamp.ts";
import { captureFileName, captureTimeOf } from "../../src/image/capture-name.ts";
import { decodePicture, type Picture } from "../../src/image/decode.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { transformPicture } from "../../src/image/transform.ts";
import { monotonicMs } from "../../src/system/clock.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const directory = temporaryDirectory("phorest-picture-");

/** A picture of `width` x `height` whose pixels are all different as far as the depth allows. */
function ramp(width: number, height: number, bitDepth: 8 | 16): Picture {
  const pixels = bitDepth === 8 ? new Uint8Array(width * height) : new Uint16Array(width * height);
  for (let i = 0; i < pixels.length; i++) pixels[i] = bitDepth === 8 ? (i * 7) % 256 : (i * 4099) % 65_536;
  return { pixels, width, height, bitDepth };
}

function rows(picture: Picture): number[][] {
  return Array.from({ length: picture.height }, (_, y) =>
    Array.from(picture.pixels.slice(y * picture.width, (y + 1) * picture.width)),
  );
}

describe("camera transforms", () => {
  const small: Picture = { pixels: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2, bitDepth: 8 };
  it.each([
    [
      "NONE",
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      "HORIZONTAL_FLIP",
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ],
    [
      "VERTICAL_FLIP",
      [
        [4, 5, 6],
        [1, 2, 3],
      ],
    ],
    [
      "ROTATE_180",
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    [
      "ROTATE_90_CLOCKWISE",
      [
        [4, 1],
        [5, 2],
        [6, 3],
      ],
    ],
    [
      "ROTATE_90_COUNTERCLOCKWISE",
      [
        [3, 6],
        [2, 5],
        [1, 4],
      ],
    ],
    [
      "ROTATE_90",
      [
        [4, 1],
        [5, 2],
        [6, 3],
      ],
    ],
    [
      "rotate_270",
      [
        [3, 6],
        [2, 5],
        [1, 4],
      ],
    ],
  ])("%s moves every pixel to its place", (name, expected) => {
    expect(rows(transformPicture(small, name))).toEqual(expected);
  });

  it("undo each other in 16 bit, beyond one block of copying", () => {
    const picture = ramp(150, 131, 16);
    const turned = transformPicture(transformPicture(picture, "ROTATE_90_CLOCKWISE"), "ROTATE_90_COUNTERCLOCKWISE");
    expect(turned).toEqual(picture);
    expect(transformPicture(transformPicture(picture, "VERTICAL_FLIP"), "HORIZONTAL_FLIP")).toEqual(
      transformPicture(picture, "ROTATE_180"),
    );
  });

  it("refuse an unknown name", () => {
    expect(() => transformPicture(small, "ROTATE_45")).toThrow(/unknown camera transform "ROTATE_45"/);
  });
});

describe("encoded pictures", () => {
  it.each([
    ["png", 8],
    ["png", 16],
    ["tiff", 8],
    ["tiff", 16],
    ["bmp", 8],
  ] as const)("%s of %i bits decodes to the same pixels", async (format, bitDepth) => {
    const picture = ramp(61, 43, bitDepth);
    const path = join(directory, `ramp-${bitDepth}.${format}`);
    writeFileSync(path, await encodePicture(picture, format));
    expect(await decodePicture(path)).toEqual(picture);
  });

  it("jpeg of 8 bits decodes to nearly the same pixels", async () => {
    const flat: Picture = { pixels: new Uint8Array(64 * 64).fill(117), width: 64, height: 64, bitDepth: 8 };
    const path = join(directory, "flat.jpg");
    writeFileSync(path, await encodePicture(flat, "jpeg"));
    const { pixels } = await decodePicture(path);
    expect(pixels.every((one) => Math.abs(one - 117) <= 1)).toBe(true);
  });

  it("refuse 16 bits where the format has none, and formats nobody knows", async () => {
    await expect(encodePicture(ramp(4, 4, 16), "bmp")).rejects.toThrow("bmp images cannot have 16 bits");
    await expect(encodePicture(ramp(4, 4, 16), "jpeg")).rejects.toThrow("jpeg images cannot have 16 bits");
    await expect(encodePicture(ramp(4, 4, 8), "gif")).rejects.toThrow('unknown image format "gif"');
  });
});

describe("names of captures", () => {
  it("hold the moment in UTC to the microsecond, and the camera", () => {
    const us = Date.UTC(2025, 11, 31, 23, 59, 58) * 1000 + 7042;
    expect(captureFileName(us, 3, "tiff")).toBe("image_20251231_235958_007042_cam3.tiff");
    expect(captureTimeOf("image_20251231_235958_007042_cam3.tiff.gz")).toBe(us);
    expect(captureTimeOf("image_20251331_235958_007042_cam3.png")).toBeUndefined();
    expect(captureTimeOf("holiday.png")).toBeUndefined();
  });

  it("come from a clock that never repeats nor goes back", () => {
    const times = [5000, 5000, 4000, 9000];
    const clock = captureClock(() => times.shift() ?? 0);
    expect([clock(), clock(), clock(), clock()]).toEqual([5000, 5001, 5002, 9000]);
  });

  it("rise even where the wall clock is set back between a quick exposure and a slow one", () => {
    let nowUs = 5_000_000;
    const clock = captureClock(() => nowUs);
    const first = exposureMoment(clock, monotonicMs() - 10);
    nowUs -= 1_000_000;
    expect(exposureMoment(clock, monotonicMs() - 500).capturedAtUs).toBeGreaterThan(first.capturedAtUs);
  });
});
