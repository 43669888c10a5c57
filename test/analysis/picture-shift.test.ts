import { describe, expect, test } from "vitest";
import { pictureShift } from "../../src/analysis/picture-shift.ts";
import type { Picture } from "../../src/image/picture.ts";

/** Blobs of random places and sizes, seen `dx`, `dy` px further on and turned, with noise that differs from picture to picture. */
function blobs(dx: number, dy: number, noise: number, degrees = 0): Picture {
  const [width, height] = [640, 512];
  let state = 7;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  const pixels = new Float64Array(width * height).fill(60);
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  for (let blob = 0; blob < 700; blob += 1) {
    const [qx, qy] = [random() * width - width / 2, random() * height - height / 2];
    const [x, y] = [width / 2 + cos * qx + sin * qy + dx, height / 2 - sin * qx + cos * qy + dy];
    const [size, strength] = [1.5 + 3 * random(), 40 + 80 * random()];
    for (let row = Math.max(0, Math.floor(y - 12)); row < Math.min(height, y + 12); row += 1) {
      for (let column = Math.max(0, Math.floor(x - 12)); column < Math.min(width, x + 12); column += 1) {
        const at = row * width + column;
        const distance = ((column - x) ** 2 + (row - y) ** 2) / (2 * size * size);
        pixels[at] = (pixels[at] as number) + strength * Math.exp(-distance);
      }
    }
  }
  state = 1 + Math.round(1000 * Math.abs(dx + 2 * dy + degrees));
  return {
    pixels: Uint8Array.from(pixels, (value) =>
      Math.min(255, Math.max(0, Math.round(value + noise * (random() - 0.5)))),
    ),
    width,
    height,
    bitDepth: 8,
  };
}

describe("the movement between two pictures", () => {
  const still = blobs(0, 0, 12);

  test.each([
    [0, 0],
    [0.33, -0.66],
    [-1.5, 0.5],
    [7.25, 11.8],
    [-38.4, 21.1],
  ])("%d, %d px is found within its error", (dx, dy) => {
    const moved = pictureShift(still, blobs(dx, dy, 12.0001));
    expect(Math.abs((moved?.dx ?? Number.NaN) - dx)).toBeLessThan(3 * (moved?.errorPx ?? 0));
    expect(Math.abs((moved?.dy ?? Number.NaN) - dy)).toBeLessThan(3 * (moved?.errorPx ?? 0));
    expect(moved?.errorPx).toBeLessThan(0.05);
    expect(Math.abs(moved?.turnDegrees ?? 1)).toBeLessThan(0.02);
  });

  test("a turn is found too, in the sense of imageAngle", () => {
    const moved = pictureShift(still, blobs(1, 2, 12, 0.25));
    expect(moved?.turnDegrees).toBeCloseTo(0.25, 2);
  });

  test("the light may change", () => {
    const brighter = { ...still, pixels: still.pixels.map((value) => Math.min(255, Math.round(0.7 * value + 10))) };
    expect(Math.hypot(pictureShift(still, brighter)?.dx ?? 1, pictureShift(still, brighter)?.dy ?? 1)).toBeLessThan(
      0.02,
    );
  });

  test("pictures that have nothing in common have no movement", () => {
    expect(pictureShift(still, { ...still, pixels: new Uint8Array(still.pixels.length).fill(60) })).toBeUndefined();
  });

  test("another size or depth is refused", () => {
    expect(() => pictureShift(still, { ...still, width: 512, height: 640 })).toThrow("differ in size");
    expect(() => pictureShift(still, { ...still, pixels: new Uint16Array(still.pixels), bitDepth: 16 })).toThrow(
      "differ in depth",
    );
  });
});
