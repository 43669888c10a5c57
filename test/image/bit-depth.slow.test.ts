import { describe, expect, it, test } from "vitest";
import { analysePicture } from "../../src/analysis/resonance.ts";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import { DepthKeeper, depthBefore, depthOf } from "../../src/image/bit-depth.ts";
import { sharpnessOf } from "../../src/image/focus.ts";
import type { Picture } from "../../src/image/picture.ts";
import type { DepthKnowledge } from "../../src/measurement/depth.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { randomFrom } from "./picture-writers.ts";

const SETTINGS: AnalysisSettings = {
  method: "gaussian",
  subRois: 10,
  sampling: "precise",
  bitDepthScaling: "stretch",
  debug: false,
};
const simulator = createSimulator({ width: 640, height: 480, bitDepth: 16 });
const rois = parseRoiManifest(formatRoiManifest(simulator.roiManifest()), "simulated");
const light = simulator.render(0, 1);

/** The light of the simulated chip, `gain` times as bright, as a camera of `bits` bits delivers it. */
function taken(bits: number, gain: number, shift = 0): Picture {
  const full = 2 ** bits - 1;
  const pixels = Uint16Array.from(light.pixels, (value) => {
    return Math.min(full, Math.floor((value / 65536) * gain * 2 ** bits)) << shift;
  });
  return { ...light, pixels, bitDepth: 16 };
}

function eightBit(gain: number): Picture {
  const pixels = Uint8Array.from(light.pixels, (value) => Math.min(255, Math.floor((value / 65536) * gain * 256)));
  return { ...light, pixels, bitDepth: 8 };
}

const saturatedIn = (picture: Picture, bits?: number): number[] => {
  const { flags } = analysePicture(picture, rois, bits === undefined ? SETTINGS : { ...SETTINGS, bits });
  return [...flags].flatMap((flag, roi) => ((flag & FLAGS.saturated) !== 0 ? [roi] : []));
};

/** A picture of 16 bits of values that a function gives. */
function picture(lightAt: (at: number) => number, width = 400, height = 300): Picture {
  return { pixels: Uint16Array.from({ length: width * height }, (_, at) => lightAt(at)), width, height, bitDepth: 16 };
}
const BITS = [10, 12, 14] as const;
const OVER = 1.9;

describe.each(BITS)("a camera of %i bits", (bits) => {
  const up = 16 - bits;
  const full = 2 ** bits - 1;

  it("over-exposed is found to be so in the low and in the high bits, in the ROIs that are so in 8 bits", () => {
    const expected = saturatedIn(eightBit(OVER));
    expect(expected.length).toBeGreaterThan(10);
    for (const shift of [0, up]) {
      const found = saturatedIn(taken(bits, OVER, shift));
      // Light between the last steps of 8 and of more bits is cut off in one and not in the other.
      expect(found.every((roi) => expected.includes(roi))).toBe(true);
      expect(found.length).toBeGreaterThan(0.8 * expected.length);
    }
  });

  it("has its scale in the figures that people expose by", () => {
    const expected = sharpnessOf(eightBit(OVER));
    for (const shift of [0, up]) {
      const figures = sharpnessOf(taken(bits, OVER, shift));
      expect(figures.saturated).toBeGreaterThan(0.9 * expected.saturated);
      expect(figures.brightness).toBeCloseTo(expected.brightness, -0.5);
    }
    expect(sharpnessOf(taken(bits, 0.3), bits).brightness).toBeCloseTo(sharpnessOf(eightBit(0.3)).brightness, -0.5);
  });

  it("well exposed or dark is not saturated", () => {
    for (const gain of [0.05, 0.3, 0.6]) {
      for (const shift of [0, up]) expect(saturatedIn(taken(bits, gain, shift))).toEqual([]);
    }
  });

  it("that is configured needs no picture that is cut off, and no guess", () => {
    const dim = taken(bits, 0.3);
    expect(depthOf(dim, depthBefore(bits))).toMatchObject({ saturation: full, full });
    expect(depthOf(taken(bits, 0.3, up), depthBefore(bits))).toMatchObject({
      saturation: full << up,
      full: full << up,
    });
    expect(saturatedIn(taken(bits, OVER), bits).length).toBeGreaterThan(10);
    // Configured as more than it is: values that many share are not its top.
    expect(saturatedIn(taken(bits, OVER), 16)).toEqual([]);
  });
});

describe("pictures that are not cut off, whatever their values", () => {
  const random = randomFrom(5);
  const noise = () => random() + random() + random() - 1.5;
  it.each<[string, Picture]>([
    ["genuine 16-bit data up to 60000", picture((at) => 30_000 + 25_000 * Math.sin(at / 60) + 900 * noise())],
    ["a dark picture of 16 bits", picture(() => Math.max(0, 100 + 12 * noise()))],
    ["black", picture(() => 0)],
    ["noise over exactly 12 bits", picture(() => Math.floor(4096 * random()))],
    ["noise over exactly 10 bits", picture(() => Math.floor(1024 * random()))],
    ["one hot pixel at 4095", picture((at) => (at === 5000 ? 4095 : 1000 + 90 * noise()))],
    ["a few hot pixels at 1023", picture((at) => (at % 20_000 === 0 ? 1023 : 300 + 30 * noise()))],
    ["many at a value that is nobody's full scale", picture(() => Math.min(4000, 3500 + 900 * noise()))],
    ["few values: a mask", picture((at) => (at % 3 === 0 ? 0x4000 : 0))],
    ["black and white in 15 steps", picture((at) => (at % 4) * 0x1000)],
  ])("%s", (_, given) => {
    const { saturation, top } = depthOf(given);
    expect(top).toBe(0);
    expect(saturation).toBeGreaterThanOrEqual(65_280);
    expect(Math.max(...given.pixels)).toBeLessThan(saturation);
  });
});

test("white of 16 bits, and of 8 to 14 bits in the high ones, is where their scale ends", () => {
  const random = randomFrom(6);
  for (const [shift, top] of [
    [0, 65_535],
    [2, 65_532],
    [4, 65_520],
    [6, 65_472],
    [8, 65_280],
  ] as const) {
    const white = picture(() => Math.min(top, ((80_000 * random()) >> shift) << shift));
    expect(depthOf(white).saturation).toBeLessThanOrEqual(top);
    expect(depthOf(white).saturation).toBeGreaterThan(top - 2 ** Math.max(4, shift));
  }
  const eight = eightBit(OVER);
  expect(depthOf(eight, depthBefore(12))).toMatchObject({ saturation: 255, full: 255 });
});

describe("over a series", () => {
  const learned = (...pictures: Picture[]): DepthKnowledge => {
    const keeper = new DepthKeeper(0);
    for (const one of pictures) keeper.learn(depthOf(one, keeper.known));
    return keeper.known;
  };

  it("a larger value shows that a full scale was none", () => {
    const cut = taken(10, OVER);
    expect(depthOf(cut)).toMatchObject({ saturation: 1023, top: 1023 });
    expect(depthOf(cut, learned(taken(12, 0.9)))).toMatchObject({ top: 0 });
    expect(learned(cut, taken(12, 0.6))).toMatchObject({ top: 0 });
    expect(learned(taken(12, 0.6), cut)).toMatchObject({ top: 0 });
  });

  it("what one picture has shown holds for those with few pixels at the top, in any order", () => {
    const dim = taken(12, 0.3);
    const pixels = Uint16Array.from(dim.pixels);
    pixels.fill(4095, 1000, 1003);
    const few: Picture = { ...dim, pixels };
    expect(depthOf(few).top).toBe(0);
    expect(depthOf(few, learned(taken(12, OVER), dim))).toMatchObject({ top: 4095, saturation: 4095 });
    expect(learned(dim, taken(12, OVER))).toEqual(learned(taken(12, OVER), dim));
  });

  it("samples in the high bits stay there for a picture too dark to show it", () => {
    const black = picture(() => 0);
    expect(depthOf(black, { ...depthBefore(12), largest: 65_520, shift: 4 })).toMatchObject({ full: 65_520 });
    expect(depthOf(black, depthBefore(12)).full).toBe(4095);
  });
});
