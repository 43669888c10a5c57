// The camera's dark level: found in pictures with and without light, and what tracking makes of it.
import { describe, expect, it, test } from "vitest";
import { darkestLevel, levelOfDarkPicture, refusedLevelText } from "../../src/analysis/dark-level.ts";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import { emptyReference, trackPicture } from "../../src/analysis/tracking.ts";
import type { Picture } from "../../src/image/picture.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { normalsOf, SIZE } from "../conformance/speckled-rois.ts";
import { type Change, expose, SCENE, type Scene, speckleOf } from "../conformance/tracked-rois.ts";
import { type Followed, followed, trackingSettings } from "./followed.ts";

const [WIDTH, HEIGHT] = [352, 192];
const PLACE = { x: 130, y: 70 };

const manifest = (place: typeof PLACE, size: { readonly width: number; readonly rows: number }) =>
  parseRoiManifest(
    formatRoiManifest({
      imageAngle: 0,
      rois: [{ label: "A1", ...place, width: size.width, height: size.rows, flip: false }],
    }),
    "test",
  );
const ROIS = manifest(PLACE, SIZE);

/** A frame of `scene` in the middle of a chip whose surroundings have a tenth of its ground's light, and none at the edges. */
function frame(scene: Scene, change: Change, field: Float64Array, next: () => number): Picture {
  const inside = expose(scene, change, field, next);
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
    const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
    const [column, row] = [x - PLACE.x, y - PLACE.y];
    if (column >= 0 && column < SIZE.width && row >= 0 && row < SIZE.rows)
      return inside[row * SIZE.width + column] as number;
    const light = x < 64 ? 0 : scene.ground / 10;
    return Math.round(scene.pedestal + light + next() * scene.readCounts);
  });
  return { pixels, width: WIDTH, height: HEIGHT, bitDepth: 8 };
}

const LIT: Scene = { ...SCENE, ground: 60, pedestal: 60, height: 60 };

describe("the darkest places of a picture", () => {
  it("show the pedestal to a fifth of a count", () => {
    const next = normalsOf(1);
    const level = darkestLevel(frame(LIT, {}, speckleOf(LIT, next), next), ROIS);
    expect(Math.abs((level as number) - LIT.pedestal)).toBeLessThan(0.2);
  });

  it("are not looked for where ROIs are", () => {
    const pixels = new Uint8Array(WIDTH * HEIGHT).fill(50);
    for (let row = PLACE.y; row < PLACE.y + SIZE.rows; row++) {
      pixels.fill(3, row * WIDTH + PLACE.x, row * WIDTH + PLACE.x + SIZE.width);
    }
    const picture: Picture = { pixels, width: WIDTH, height: HEIGHT, bitDepth: 8 };
    expect(darkestLevel(picture, ROIS)).toBe(50);
    expect(darkestLevel(picture, manifest({ x: 0, y: 0 }, { width: WIDTH - 10, rows: HEIGHT - 10 }))).toBeUndefined();
  });
});

describe("a dark picture", () => {
  const next = normalsOf(2);
  const noisy = (bits: 8 | 16, lightAt: (x: number) => number, factor = 1): Picture => {
    const values = Float64Array.from({ length: WIDTH * HEIGHT }, (_, at) =>
      Math.max(0, factor * Math.round(lightAt(at % WIDTH) + 1.5 * next())),
    );
    const pixels = bits === 8 ? Uint8Array.from(values) : Uint16Array.from(values);
    return { pixels, width: WIDTH, height: HEIGHT, bitDepth: bits };
  };

  it.each([
    ["8 bits, clipped at black", noisy(8, () => 0), 0, 0.6],
    ["8 bits", noisy(8, () => 12.4), 0, 12.4],
    ["12 bits in the low bits", noisy(16, () => 100.3), 0, 100.3],
    ["12 bits in the high bits", noisy(16, () => 100.3, 16), 0, 1604.8],
    ["14 bits, said so", noisy(16, () => 1023), 14, 1023],
  ])("of %s has the level of its light's absence", (_, picture, bits, level) => {
    const found = levelOfDarkPicture(picture, "dark.png", bits);
    expect(Math.abs(found.level - level)).toBeLessThan(0.01 * level + 0.05);
  });

  it.each([
    ["a lit one", noisy(8, () => 90), /dark\.png: not a dark image: its level of 90\.0 is above a quarter of 255/],
    ["one with light in a corner", noisy(8, (x) => (x > 250 ? 30 : 5)), /light reaches parts of it/],
    ["one of 12 bits with light in a corner", noisy(16, (x) => (x > 250 ? 300 : 100)), /light reaches parts of it/],
  ])("is not %s", (_, picture, line) => {
    expect(() => levelOfDarkPicture(picture, "dark.png", 0)).toThrow(line);
  });
});

const SHIFT_PX = 3;
const FRAMES = 24;

/** Frames with a gradient of the light that the reference does not have. */
function tilted(darkLevel: AnalysisSettings["darkLevel"]): Followed[] {
  const next = normalsOf(3);
  const field = speckleOf(LIT, next);
  const change = { shiftPx: SHIFT_PX, gradient: 0.2 };
  return followed(ROIS, trackingSettings(darkLevel), FRAMES, (isReference) =>
    frame(LIT, isReference ? {} : change, field, next),
  );
}

test.each([["auto" as const], [LIT.pedestal]])(
  "with the dark level %s a gradient of 20 % moves no tracked band by more than 0.03 px, unflagged",
  (darkLevel) => {
    const frames = tilted(darkLevel);
    const mean = frames.reduce((sum, { shift }) => sum + shift, 0) / FRAMES;
    expect(Math.abs(mean - SHIFT_PX)).toBeLessThan(0.03);
    expect(frames.filter(({ flags }) => flags !== 0)).toEqual([]);
  },
);

test("with an unknown dark level what a gradient moves is said by a flag", () => {
  const wrong = tilted(undefined).filter(
    ({ shift, flags }) => !(Math.abs(shift - SHIFT_PX) < 0.03) && (flags & FLAGS.shape_changed) === 0,
  );
  expect(wrong).toEqual([]);
});

test("a dark level above what a picture shows is not used, and that is said", () => {
  const next = normalsOf(4);
  const settings = trackingSettings(LIT.pedestal + 50);
  const taken = frame(LIT, {}, speckleOf(LIT, next), next);
  const { result } = trackPicture(taken, ROIS, settings, emptyReference(ROIS));
  expect(Math.abs((result.darkest as number) - LIT.pedestal)).toBeLessThan(0.2);
  expect(refusedLevelText(result.darkest)).toMatch(
    /^parts of the image are darker \(\d+\.\d counts\) than Camera\.dark_level/,
  );
  const unknown = trackPicture(taken, ROIS, trackingSettings(undefined), emptyReference(ROIS));
  expect(result.position).toEqual(unknown.result.position);
});
