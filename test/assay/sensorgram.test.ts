import { describe, expect, it } from "vitest";
import { analysePicture } from "../../src/analysis/resonance.ts";
import { precisionOf } from "../../src/assay/precision.ts";
import {
  alignFrames,
  FrameMean,
  refractiveIndexChange,
  separatePair,
  shiftFrom,
  soundPoints,
  subtractBlank,
  type Trace,
} from "../../src/assay/sensorgram.ts";
import { smooth } from "../../src/assay/smoothing.ts";
import { gratingOf, groupsOf, labelMatcher, pairsOf } from "../../src/measurement/labels.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { normal, randomStream } from "../../src/simulator/noise.ts";
import { createSimulator, type SimulatorOptions } from "../../src/simulator/simulator.ts";

const ALWAYS = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };

/** A trace of one point per second; `flagged` are the indices of doubtful points. */
function trace(values: ArrayLike<number>, flagged: readonly number[] = []): Trace {
  const flags = new Uint8Array(values.length);
  for (const at of flagged) flags[at] = FLAGS.jumped;
  const timesUs = Float64Array.from({ length: values.length }, (_, at) => at * 1e6);
  return { timesUs, values: Float64Array.from(values), flags };
}

/** Normal noise with a fixed seed. */
function noisy(length: number, sigma: number, at: (second: number) => number, seed = 5): Float64Array {
  const random = randomStream(seed);
  return Float64Array.from({ length }, (_, second) => at(second) + sigma * normal(random));
}

describe("baseline and shift", () => {
  it("takes the sound points of the window, says how many it left out, and changes no point", () => {
    const given = trace([10, 11, 99, Number.NaN, 12, 50], [2]);
    const { values, index, excluded } = soundPoints(given, { fromUs: 0, toUs: 5e6 });
    expect([...values]).toEqual([10, 11, 12]);
    expect([...index]).toEqual([0, 1, 4]);
    expect(excluded).toBe(2);
    expect([...shiftFrom(given.values, 11)]).toEqual([-1, 0, 88, Number.NaN, 1, 39]);
  });

  it("is a refractive index change after division by the sensitivity", () => {
    expect([...refractiveIndexChange(Float64Array.of(5, -2.5), 2500)]).toEqual([0.002, -0.001]);
  });
});

describe("reference subtraction", () => {
  it("takes off what the references share, leaving the flagged ones out frame by frame", () => {
    const frames = Float64Array.of(7, 8, 9);
    const references = new FrameMean();
    references.add(frames, trace([0, 1, 2]));
    references.add(frames, trace([0, 3, 100], [2]));
    expect([...references.subtractFrom(frames, trace([5, 5, 5]), false)]).toEqual([5, 3, 3]);
    expect([...references.of(frames)]).toEqual([0, 2, 2]);
  });

  it("compares a reference with the others only", () => {
    const frames = Float64Array.of(1, 2);
    const references = new FrameMean();
    const [one, other] = [trace([0, 4]), trace([0, 2])];
    references.add(frames, one);
    references.add(frames, other);
    expect([...references.subtractFrom(frames, one, true)]).toEqual([0, 2]);
    const alone = new FrameMean();
    alone.add(frames, one);
    expect([...alone.subtractFrom(frames, one, true)]).toEqual([Number.NaN, Number.NaN]);
  });

  it("knows a frame by its entry, not by its place, and says nothing where no reference was measured", () => {
    const references = new FrameMean();
    references.add(Float64Array.of(3, 1), trace([30, 10]));
    expect([...references.subtractFrom(Float64Array.of(1, 2, 3), trace([11, 12, 33]), false)]).toEqual([
      1,
      Number.NaN,
      3,
    ]);
    expect([...alignFrames(Float64Array.of(3, 1), [30, 10], Float64Array.of(1, 2, 3), -1)]).toEqual([10, -1, 30]);
  });

  it("takes the response to a blank injection off, from its beginning on and only as long as the blank is known", () => {
    const bulk = (second: number) => (second >= 4 ? 0.5 * (second - 4) : 0);
    // Blank from second 4 to 8, injection from 10 on: the same response plus 3 px of binding.
    const values = Float64Array.from({ length: 16 }, (_, t) => (t < 8 ? bulk(t) : t < 10 ? 0 : bulk(t - 6) + 3));
    const done = subtractBlank(trace(values), { fromUs: 4e6, toUs: 8e6 }, 10e6);
    expect([...done.slice(0, 10)]).toEqual([...values.slice(0, 10)]);
    expect([...done.slice(10, 14)]).toEqual([3, 3, 3, 3]);
    expect([...done.slice(14)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe("the pair of a bow-tie", () => {
  it("tells a shift of the resonance from a movement of the chip, and keeps the flags of either half", () => {
    // In ROI coordinates both halves go up under a shift; under a movement to the right the flipped one goes down.
    const pair = separatePair(trace([50, 52, 49], [1]), trace([60, 62, 61]));
    expect([...shiftFrom(pair.signal, 55)]).toEqual([0, 2, 0]);
    expect([...shiftFrom(pair.movement, 5)]).toEqual([0, 0, 1]);
    expect([...pair.flags]).toEqual([0, FLAGS.jumped, 0]);
  });

  it.each<{ what: string; options: SimulatorOptions; signal: number; movement: number }>([
    {
      what: "a resonance that shifts by 1.5 px is signal",
      options: { binding: { shiftPx: 0, bulkPx: 0, driftPxPerHour: 1.5 } },
      signal: 1.5,
      movement: 0,
    },
    {
      what: "a chip that moves by 2 px is movement",
      options: { binding: { shiftPx: 0, bulkPx: 0, driftPxPerHour: 0 }, driftPxPerHour: { x: 2, y: 0 } },
      signal: 0,
      movement: 2,
    },
  ])("on simulated pictures, $what", ({ options, signal, movement }) => {
    const quiet = { speckle: 0, freshShare: 0, readCounts: 0, electronsPerCount: 1e12 };
    const simulator = createSimulator({
      width: 800,
      height: 600,
      dust: 0,
      vignetting: 0,
      angleDegrees: 0,
      noise: quiet,
      ...options,
      bitDepth: 16,
    });
    // Within the gratings by a margin, so that a moved chip brings no edge into an ROI: edges pull the fit.
    const given = simulator.roiManifest();
    const inner = given.rois.map((roi) => ({
      ...roi,
      y: roi.y + 3,
      height: roi.height - 6,
      x: roi.x + 6,
      width: roi.width - 12,
    }));
    const rois = parseRoiManifest(formatRoiManifest({ ...given, rois: inner }), "the simulator");
    const settings = {
      method: "gaussian",
      subRois: 0,
      sampling: "precise",
      bitDepthScaling: "fixed",
      debug: false,
    } as const;
    const [before, after] = [0, 3600].map((seconds, i) => analysePicture(simulator.render(seconds, i), rois, settings));
    const pairs = pairsOf(rois.rois);
    expect(pairs.length).toBeGreaterThan(2);
    for (const { flipped, plain } of pairs) {
      const half = (roi: number) => {
        return {
          values: Float64Array.of(before?.position[roi] ?? 0, after?.position[roi] ?? 0),
          flags: new Uint8Array(2),
        };
      };
      const pair = separatePair(half(flipped), half(plain));
      expect((pair.signal[1] ?? 0) - (pair.signal[0] ?? 0)).toBeCloseTo(signal, 1);
      expect((pair.movement[1] ?? 0) - (pair.movement[0] ?? 0)).toBeCloseTo(movement, 1);
    }
  });
});

describe("noise, drift and limit of detection", () => {
  it("finds the noise that was put in, whatever the drift beside it", () => {
    for (const perSecond of [0, 0.01]) {
      const found = precisionOf(trace(noisy(4000, 0.02, (second) => perSecond * second)), ALWAYS);
      expect(found.noise / 0.02).toBeGreaterThan(0.95);
      expect(found.noise / 0.02).toBeLessThan(1.05);
      expect(found.noisePlain / 0.02).toBeCloseTo(1, 1);
      expect(found.detectionLimit).toBe(3 * found.noise);
      expect(Math.abs(found.driftPerHour - 3600 * perSecond)).toBeLessThan(4 * found.driftError);
    }
  });

  it("states a standard error of the drift that covers the truth two times in three", () => {
    const covered = Array.from({ length: 300 }, (_, seed) => {
      const { driftPerHour, driftError } = precisionOf(trace(noisy(100, 0.1, () => 4, seed + 1)), ALWAYS);
      return Math.abs(driftPerHour) < driftError;
    }).filter(Boolean).length;
    expect(covered / 300).toBeGreaterThan(0.6);
    expect(covered / 300).toBeLessThan(0.76);
  });

  it("is not moved by wild points, flagged or not, and counts the flagged ones", () => {
    const values = noisy(400, 0.02, (second) => 0.001 * second);
    for (let at = 7; at < 400; at += 40) values[at] = 30;
    const found = precisionOf(trace(values), ALWAYS);
    expect(found.noise).toBeLessThan(0.025);
    expect(found.noisePlain).toBeGreaterThan(1);
    expect(Math.abs(found.driftPerHour - 3.6)).toBeLessThan(4 * found.driftError);
    const flagged = Array.from({ length: 10 }, (_, i) => 7 + 40 * i);
    const sound = precisionOf(trace(values, flagged), ALWAYS);
    expect([sound.points, sound.excluded]).toEqual([390, 10]);
    expect(sound.noisePlain).toBeLessThan(0.023);
  });

  it("takes a noise of exactly zero for no number: frames that repeat do not show how precise they are", () => {
    const still = precisionOf(trace(Array.from({ length: 50 }, () => 61.25)), ALWAYS);
    expect(still).toMatchObject({ points: 50, repeats: true });
    for (const key of ["noise", "noisePlain", "detectionLimit", "driftPerHour", "driftError"] as const)
      expect(still[key]).toBeNaN();
    // As after subtracting a mean: equal but for the rounding.
    const rounded = precisionOf(trace(Array.from({ length: 50 }, (_, at) => 61.25 + (at % 3) * 1e-14)), ALWAYS);
    expect(rounded).toMatchObject({ repeats: true });
    expect(rounded.noise).toBeNaN();
    const halfTheTime = precisionOf(
      trace(Array.from({ length: 50 }, (_, at) => (at < 40 ? 61.25 : 61 + at / 9))),
      ALWAYS,
    );
    expect(halfTheTime).toMatchObject({ repeats: true });
    expect(halfTheTime.detectionLimit).toBeNaN();
    expect(halfTheTime.noisePlain).toBeGreaterThan(0);
    expect(precisionOf(trace(noisy(50, 1e-6, () => 0)), ALWAYS)).toMatchObject({ repeats: false });
  });

  it("says nothing from too few frames", () => {
    const few = precisionOf(trace([1, 2, 3]), ALWAYS);
    expect(few.noise).toBeNaN();
    expect(few.detectionLimit).toBeNaN();
    expect(precisionOf(trace([1, 2]), ALWAYS).driftPerHour).toBeNaN();
    expect(precisionOf(trace([]), ALWAYS)).toMatchObject({ points: 0, excluded: 0 });
  });

  it("never takes a step across a flagged frame for noise", () => {
    const stairs = Float64Array.from({ length: 12 }, (_, at) => Math.floor(at / 4) * 10);
    expect(precisionOf(trace(stairs, [4, 8]), ALWAYS).noisePlain).toBeNaN();
  });
});

describe("the smooth curve", () => {
  it("follows a straight line exactly and gives flagged and missing frames a value too", () => {
    const line = Float64Array.from({ length: 40 }, (_, at) => 3 + 0.5 * at);
    const given = trace(line, [10]);
    given.values[10] = 900;
    given.values[20] = Number.NaN;
    smooth(given, 9).values.forEach((value, at) => {
      expect(value).toBeCloseTo(3 + 0.5 * at, 9);
    });
  });

  it("is quieter than the points and does not bend for a wild one", () => {
    const values = noisy(300, 0.1, (second) => Math.sin(second / 60));
    values[150] = 40;
    const curve = smooth(trace(values), 21).values;
    const wrong = curve.map((value, second) => value - Math.sin(second / 60)).subarray(10, 290);
    expect(Math.sqrt(wrong.reduce((sum, one) => sum + one * one, 0) / wrong.length)).toBeLessThan(0.045);
    expect(Math.abs(wrong[140] ?? 1)).toBeLessThan(0.15);
  });

  it("has no value where fewer than two points are sound", () => {
    expect([...smooth(trace([1, 2, 3], [0, 2]), 5).values]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect([...smooth(trace([4, 4]), 5).values]).toEqual([4, 4]);
  });
});

describe("labels", () => {
  it("matches whole labels in any letter case, * for any letters and nothing else special", () => {
    const matches = labelMatcher(["05*_n", "7.1A_S"]);
    expect(["052A_N", "052A_S", "1052A_N", "7.1a_s", "7x1A_S"].map(matches)).toEqual([true, false, false, true, false]);
    expect(labelMatcher([])("052A_N")).toBe(false);
  });

  it.each([
    ["*", "052A_N", true],
    ["**", "052A_N", true],
    ["0*A*N", "052A_N", true],
    ["052A_N*", "052A_N", true],
    ["*052A_N", "052A_N", true],
    ["*A_*_N", "052A_N", false],
    ["052*2A_N", "052A_N", false],
    ["052A_N", "052A_N2", false],
    ["052", "052A_N", false],
    ["*(+)", "a(+)", true],
    ["", "a", false],
  ])("%s matches %s: %s", (pattern, label, matches) => {
    expect(labelMatcher([pattern])(label)).toBe(matches);
  });

  it("a pattern of many stars takes no time", () => {
    const stars = `${"*".repeat(99)}!`;
    const letters = `${"*a".repeat(49)}!`;
    // Trying all ways to share the letters out among the stars would take longer than any time limit of a test.
    expect(labelMatcher([stars, letters])("052A_N")).toBe(false);
    expect(labelMatcher([stars, letters])("a".repeat(100))).toBe(false);
  });

  it("pairs the two halves of a grating, the flipped one known, and no single half", () => {
    const halves = [
      { label: "010A_N", flip: true },
      { label: "011A_S", flip: false },
      { label: "010A_S", flip: false },
      { label: "012A_N", flip: true },
      { label: "012A_S", flip: true },
    ];
    expect(pairsOf(halves)).toEqual([{ label: "010A", flipped: 0, plain: 2 }]);
    expect(gratingOf("010A_N")).toBe("010A");
  });

  it("groups by the letters of the grating unless groups are named", () => {
    expect(groupsOf("052A_N", {})).toEqual(["A"]);
    expect(groupsOf("12_A", {})).toEqual([]);
    expect(groupsOf("052A_N", { left: ["05*"], all: ["*"], right: ["06*"] })).toEqual(["left", "all"]);
  });
});
