import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { simulatorOptions } from "../../src/cameras/simulated.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/schema.ts";
import { PROFILES, type ProfileName } from "../../src/config/simulation-section.ts";
import { depthOf } from "../../src/image/bit-depth.ts";
import { encodePicture } from "../../src/image/encode.ts";
import type { Picture } from "../../src/image/picture.ts";
import { medianOf } from "../../src/measurement/statistics.ts";
import {
  createSimulator,
  type RoiTruth,
  type Simulator,
  type SimulatorOptions,
} from "../../src/simulator/simulator.ts";
import { loadTextures } from "../../src/simulator/texture.ts";
import { sourceOf } from "../support/source-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Region {
  readonly values: Float64Array;
  readonly width: number;
  readonly height: number;
}

interface Cut extends Region {
  readonly truth: RoiTruth;
}

/** The ROIs of a picture, as they are measured. */
function roisOf(simulator: Simulator, frame = 0): Cut[] {
  const { pixels, width } = simulator.render(0, frame);
  const truths = simulator.truth(0);
  return simulator.roiManifest().rois.map((roi) => {
    const truth = truths.get(roi.label);
    if (truth === undefined) throw new Error(`no truth for ${roi.label}`);
    const values = Float64Array.from({ length: roi.width * roi.height }, (_, i) => {
      const [x, y] = [i % roi.width, Math.floor(i / roi.width)];
      return pixels[(roi.y + y) * width + roi.x + (roi.flip ? roi.width - 1 - x : x)] as number;
    });
    return { values, width: roi.width, height: roi.height, truth };
  });
}

/** The columns of an ROI from `from` to before `to`, over the light that the truth says is there; the ground taken off. */
function lightOverTruth({ values, width, height, truth }: Cut, from: number, to: number): Region {
  const columns = to - from;
  return {
    width: columns,
    height,
    values: Float64Array.from({ length: columns * height }, (_, i) => {
      const [x, y] = [from + (i % columns), Math.floor(i / columns)];
      const at = truth.resonance + truth.tiltPx * (y / (height - 1) - 0.5);
      const light = truth.amplitude * Math.exp(-(((x - at) / truth.width) ** 2) / 2);
      return ((values[y * width + x] as number) - truth.background) / light;
    }),
  };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: Float64Array): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Correlation of pixels `step` apart along x (`across` false) or y. */
function correlation({ values, width, height }: Region, step: number, across: boolean): number {
  const mean = meanOf(values);
  let [sum, count] = [0, 0];
  for (let y = 0; y < height - (across ? step : 0); y++) {
    for (let x = 0; x < width - (across ? 0 : step); x++) {
      const at = y * width + x;
      sum += ((values[at] as number) - mean) * ((values[at + step * (across ? width : 1)] as number) - mean);
      count++;
    }
  }
  return sum / count / deviationOf(values) ** 2;
}

const core = (cut: Cut): Region =>
  lightOverTruth(
    cut,
    Math.ceil(cut.truth.resonance - cut.truth.width),
    Math.floor(cut.truth.resonance + cut.truth.width),
  );
const typical = (numbers: readonly number[]): number => medianOf(Float64Array.from(numbers));
const cutsOf = (profile: ProfileName, options: SimulatorOptions = {}): Cut[] =>
  roisOf(createSimulator({ profile, angleDegrees: 0, ...options }));

describe("the camera profiles", () => {
  it("ideal: 8 bits on a pedestal of 100, independent grains", () => {
    const cuts = cutsOf("ideal");
    expect(Math.min(...cuts.map(({ values }) => Math.min(...values)))).toBeGreaterThan(95);
    expect(typical(cuts.map((cut) => deviationOf(core(cut).values)))).toBeCloseTo(0.125, 1);
    expect(typical(cuts.map((cut) => correlation(core(cut), 6, false)))).toBeLessThan(0.15);
  });

  it("scientific: 12-bit numbers in the low bits of 16, contrast and grains as in the real ROI", () => {
    const simulator = createSimulator({ profile: "scientific" });
    const picture: Picture = simulator.render(0, 0);
    expect(picture.pixels).toBeInstanceOf(Uint16Array);
    expect(Math.max(...picture.pixels.subarray(0, 100_000))).toBeLessThan(4096);
    expect(depthOf(picture).largest).toBeLessThan(4096);
    const cuts = cutsOf("scientific");
    // Real: 121 counts beside a band of 84, of sigma 0.118 of the width.
    expect(typical(cuts.map(({ truth }) => truth.background))).toBeCloseTo(121, -1);
    expect(typical(cuts.map(({ truth }) => truth.amplitude))).toBeCloseTo(84, -1);
    expect(typical(cuts.map(({ truth, width }) => truth.width / width))).toBeCloseTo(0.118, 1);
    // Real: neighbours 0.62 alike along a row; grains are upright.
    const alike = typical(cuts.map((cut) => correlation(core(cut), 1, false)));
    expect(alike).toBeGreaterThan(0.4);
    expect(alike).toBeLessThan(0.85);
    const along = typical(cuts.map((cut) => correlation(core(cut), 5, false)));
    expect(typical(cuts.map((cut) => correlation(core(cut), 5, true)))).toBeGreaterThan(along + 0.1);
  });

  it("pi64: black cut off at 0, large patches in the light, smaller grains in the dark", () => {
    const cuts = cutsOf("pi64", { width: 3000, height: 2000 });
    expect(cuts.length).toBeGreaterThan(30);
    expect([cuts[0]?.width, cuts[0]?.height]).toEqual([353, 144]);
    const amplitudes = cuts.map(({ truth }) => truth.amplitude);
    expect(Math.min(...amplitudes)).toBeLessThan(40);
    expect(Math.max(...amplitudes)).toBeGreaterThan(100);
    for (const { truth, values } of cuts) {
      expect(truth.width).toBeGreaterThan(9);
      expect(truth.width).toBeLessThan(62);
      // -5 to +11, mostly 0 to 4.
      expect(truth.background).toBeGreaterThan(-5);
      expect(truth.background).toBeLessThan(11);
      expect(Math.min(...values)).toBe(0);
    }
    const bright = cuts.filter(({ truth }) => truth.amplitude > 60 && truth.width > 20);
    // Real: neighbours 0.95 alike in the light, 0.90 in the dark.
    expect(typical(bright.map((cut) => correlation(core(cut), 1, false)))).toBeGreaterThan(0.9);
    // In the light a grain of noise is smoothed away, and speckle with it: contrast 0.17 in the real ROI.
    const contrast = typical(bright.map((cut) => deviationOf(core(cut).values)));
    expect(contrast).toBeGreaterThan(0.08);
    expect(contrast).toBeLessThan(0.25);
    // A tenth to a fifth of neighbours are equal, as where a brush has been.
    const equal = bright.map(({ values, width, truth }) => {
      const [from, to] = [truth.resonance - truth.width, truth.resonance + truth.width];
      const pairs = Array.from(values.keys()).filter((at) => at % width > from && at % width < to);
      return pairs.filter((at) => values[at] === values[at + 1]).length / pairs.length;
    });
    expect(typical(equal)).toBeGreaterThan(0.08);
  });

  it("has no pixels of other bits than the camera", () => {
    expect(() => createSimulator({ profile: "pi64", bitDepth: 16 })).toThrow(/pi64 does not support 16 bits/);
    expect(() => createSimulator({ profile: "scientific", bitDepth: 8 })).toThrow(/scientific does not support 8 bits/);
  });

  it.each(PROFILES)(
    "%s is what [Simulation] asks for, and its own values give way to those of the file",
    async (profile) => {
      const directory = temporaryDirectory("phorest-profile-");
      const file = join(directory, "config.toml");
      await writeFile(file, `[Simulation]\nprofile = "${profile}"\nline = "lorentzian"\ndust = 0\nspeckle = 0\n`);
      const options = simulatorOptions(loadConfig(file).config);
      expect(options).toMatchObject({ profile, line: "lorentzian", dust: 0, noise: { speckle: 0 } });
      expect(options.noise).not.toHaveProperty("readCounts");
      expect(options.pxPerUm).toBe(profile === "pi64" ? 1.41 : 0.724);
    },
  );

  it("warns of bits that the configured camera does not have", async () => {
    const file = join(temporaryDirectory("phorest-profile-"), "config.toml");
    await writeFile(file, '[Simulation]\nprofile = "pi64"\nbit_depth = 16\n');
    expect(loadConfig(file).warnings.join("\n")).toContain("the camera profile pi64 has 8 bits");
  });
});

/** A picture of one measured ROI: stripes of 8 px, 1.3 and 0.7 times the light of a wide band on a ground. */
async function stripes(directory: string): Promise<string> {
  const [width, height] = [160, 64];
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const light = 20 + 150 * Math.exp(-(((x - 80) / 40) ** 2) / 2);
    return Math.round(light * (x % 16 < 8 ? 1.3 : 0.7));
  });
  const file = join(directory, "stripes.png");
  await writeFile(file, await encodePicture({ pixels, width, height, bitDepth: 8 }, "png"));
  return file;
}

describe("speckle of measured ROIs", () => {
  const QUIET: SimulatorOptions = {
    angleDegrees: 0,
    dust: 0,
    vignetting: 0,
    noise: { speckle: 0, readCounts: 0, electronsPerCount: Number.POSITIVE_INFINITY },
    width: 1920,
    height: 1460,
  };

  it("is the picture over a smooth fit: the band is gone, the pattern stays", async () => {
    const [texture] = await loadTextures([await stripes(temporaryDirectory("phorest-texture-"))], 0);
    if (texture === undefined) throw new Error("no texture");
    const { values, width, height } = texture;
    expect(meanOf(Float64Array.from(values))).toBeCloseTo(1, 5);
    expect(deviationOf(Float64Array.from(values))).toBeCloseTo(0.3, 1);
    const thirds = [0, 1, 2].map((third) => {
      const [from, to] = [Math.floor((third * width) / 3), Math.floor(((third + 1) * width) / 3)];
      return meanOf(Float64Array.from(values.filter((_, at) => at % width >= from && at % width < to)));
    });
    for (const mean of thirds) expect(mean).toBeCloseTo(1, 1);
    expect(height).toBe(64);
  });

  it("lies on every ROI, cut and mirrored by the seed, and moves with the chip", async () => {
    const textures = await loadTextures([await stripes(temporaryDirectory("phorest-texture-"))], 0);
    const made = (options: SimulatorOptions = {}) => createSimulator({ ...QUIET, textures, ...options });
    const cuts = roisOf(made());
    for (const cut of cuts) {
      const region = core(cut);
      expect(deviationOf(region.values)).toBeGreaterThan(0.2);
      // A stripe and its neighbour: opposite after 8 px, alike after 16, and the same in every row.
      expect(correlation(region, 8, false)).toBeLessThan(-0.4);
      expect(correlation(region, 20, true)).toBeGreaterThan(0.6);
    }
    const bytes = (simulator: Simulator, seconds = 0) => Buffer.from(simulator.render(seconds, 0).pixels);
    expect(bytes(made()).equals(bytes(made()))).toBe(true);
    const phases = new Set(cuts.map((cut) => Math.round(10 * (core(cut).values[0] as number))));
    expect(phases.size).toBeGreaterThan(1);
    // After an hour the chip is 3 px further right, and so is everything on it.
    const binding = { shiftPx: 0, bulkPx: 0, driftPxPerHour: 0 };
    const moving = made({ driftPxPerHour: { x: 3, y: 0 }, binding });
    const [before, after] = [moving.render(0, 0), moving.render(3600, 0)];
    const { rois } = moving.roiManifest();
    const differences = rois.slice(0, 20).flatMap(({ x, y, width, height }) => {
      const middle = (y + Math.floor(height / 2)) * before.width + x;
      return Array.from({ length: width - 10 }, (_, i) =>
        Math.abs((after.pixels[middle + i + 5] as number) - (before.pixels[middle + i + 2] as number)),
      );
    });
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  it("is read by the simulated camera from the configured files", async () => {
    const directory = temporaryDirectory("phorest-texture-");
    await stripes(directory);
    const file = join(directory, "config.toml");
    await writeFile(file, '[Simulation]\ntexture = ["stripes.png"]\n');
    const { config } = loadConfig(file);
    expect(config.Simulation.texture).toEqual([join(directory, "stripes.png")]);
    const simulation = { width: 640, height: 480, speckle: 0, read_noise_counts: 0, dust: 0 };
    const take = async (texture: Config["Simulation"]["texture"]) => {
      const source = sourceOf(
        { camera: {}, sections: { Simulation: { ...simulation, texture } } },
        { nowUs: () => 1e15 },
      );
      await source.open();
      const frame = await source.capture(new AbortController().signal);
      await source.close();
      return Buffer.from(frame?.picture?.pixels ?? []);
    };
    expect((await take(config.Simulation.texture)).equals(await take([]))).toBe(false);
    await expect(take([join(directory, "none.png")])).rejects.toThrow(
      /texture .*none.png cannot be used: no such file/,
    );
  });

  it.each([
    ["no light", 100, 60, 0, /the image is dark/],
    ["too small a picture", 12, 60, 90, /is 12 x 60 px/],
    ["a whole picture", 2100, 60, 90, /is 2100 x 60 px/],
  ])("refuses %s", async (_, width, height, value, message) => {
    const file = join(temporaryDirectory("phorest-texture-"), "a.png");
    const pixels = new Uint8Array(width * height).fill(value);
    await writeFile(file, await encodePicture({ pixels, width, height, bitDepth: 8 }, "png"));
    await expect(loadTextures([file], 0)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringMatching(message),
    });
  });
});
