import { expect, test } from "vitest";
import { calibrationLine } from "../../src/assay/calibration-line.ts";
import { phasesOf, REPORT_POINTS, type ResponseCurve, responsesOf, usualWindowUs } from "../../src/assay/responses.ts";
import type { Injection } from "../../src/manifest/injections.ts";
import { gauss } from "../analysis/gauss.ts";

/** An injection from second 100 to 200, another from 400 to 500. */
const INJECTIONS: Injection[] = [100, 400].map((start, at) => ({
  injectionId: at + 1,
  cycle: at + 1,
  solution: "antibody",
  type: "sample",
  concentration: 1e-8,
  refractiveIndex: null,
  startUs: start * 1e6,
  endUs: (start + 100) * 1e6,
  dissociationEndUs: null,
  note: "",
}));

/** A frame every two seconds for 600 s: up to 2 px during the first injection, which leave with 100 s. */
function curve(seed: number, { drift = 0, flagged = -1 } = {}): ResponseCurve {
  const next = gauss(seed);
  const timesUs = Float64Array.from({ length: 300 }, (_, i) => 2e6 * i);
  const result = timesUs.map((us) => truth(us / 1e6) + 50 + drift * (us / 1e6) + 0.05 * next());
  return {
    timesUs,
    result,
    frameErrors: new Float64Array(300).fill(0.05),
    flags: Uint8Array.from(timesUs, (us) => Number(us / 1e6 >= flagged && us / 1e6 < flagged + 20 && flagged >= 0)),
  };
}

function truth(seconds: number): number {
  if (seconds < 100) return 0;
  if (seconds < 200) return 2 * (1 - Math.exp(-(seconds - 100) / 10));
  return 2 * Math.exp(-(seconds - 200) / 100);
}

const rmsOf = (z: readonly number[]) => Math.sqrt(z.reduce((sum, one) => sum + one * one, 0) / z.length);

const [FIRST] = phasesOf(INJECTIONS, 0, 598e6);

test("windows begin and end at whole microseconds, also where a third of the injection is shorter", () => {
  if (FIRST === undefined) throw new Error("no phases");
  const short = { ...FIRST, endUs: FIRST.startUs + 10_000_001, dissociationEndUs: FIRST.startUs + 20_000_003 };
  const ends = responsesOf(curve(1), short, 10e6).flatMap(({ window }) => [window.fromUs, window.toUs]);
  expect(ends.filter((us) => !Number.isInteger(us))).toEqual([]);
});

test("report points are where they are said to be, with errors that hold", () => {
  if (FIRST === undefined) throw new Error("no phases");
  expect(FIRST).toMatchObject({ quietFromUs: 0, dissociationEndUs: 400e6 });
  const windowUs = usualWindowUs(curve(1).timesUs);
  expect(windowUs).toBe(10e6);
  const runs = Array.from({ length: 300 }, (_, seed) => responsesOf(curve(seed + 1), FIRST, windowUs));
  expect(runs[0]?.map(({ window }) => [window.fromUs / 1e6, window.toUs / 1e6])).toEqual([
    [110, 120],
    [190, 200],
    [210, 220],
    [390, 400],
  ]);
  REPORT_POINTS.forEach((_, at) => {
    const found = runs.map((run) => run[at]);
    const window = found[0]?.window ?? { fromUs: 0, toUs: 0 };
    const times = [0, 2, 4, 6, 8].map((second) => window.fromUs / 1e6 + second);
    const middle = truth(times[2] ?? 0);
    const z = found.map((one) => ((one?.px ?? 0) - middle) / (one?.error ?? 1));
    expect(Math.abs(rmsOf(z) - 1)).toBeLessThan(0.15);
  });
  expect(runs.flat().filter(({ flags }) => flags.length > 0).length).toBeLessThan(0.05 * 4 * runs.length);
});

test("a drift before the injection, and frames that are missing, are said", () => {
  if (FIRST === undefined) throw new Error("no phases");
  const drifting = responsesOf(curve(3, { drift: 0.01 }), FIRST, 10e6);
  expect(drifting.find(({ point }) => point === "dissociation")?.flags).toEqual(["drift"]);
  const without = responsesOf(curve(3, { flagged: 85 }), FIRST, 10e6);
  expect(without.map(({ px, flags }) => [px, flags])).toEqual(REPORT_POINTS.map(() => [Number.NaN, ["no_frames"]]));
  const few = responsesOf(curve(3, { flagged: 186 }), FIRST, 10e6)[1];
  expect([few?.frames, few?.flags]).toEqual([0, ["no_frames"]]);
});

test("the sensitivity is the slope of the calibration, and as certain as it says", () => {
  const z = Array.from({ length: 400 }, (_, seed) => {
    const next = gauss(seed + 1);
    const points = [1.3336, 1.3345, 1.336].map((refractiveIndex) => {
      return { refractiveIndex, px: 1500 * (refractiveIndex - 1.333) + 0.02 * next(), error: 0.02 };
    });
    const line = calibrationLine(points, 1.333);
    expect(line?.levels).toBe(4);
    return ((line?.pxPerRiu ?? 0) - 1500) / (line?.error ?? 1);
  });
  const rms = rmsOf(z);
  expect(rms).toBeGreaterThan(0.7);
  expect(rms).toBeLessThan(1.1);
});

test("one level is no calibration unless the buffer's index is known, and a bent line is said", () => {
  const at = (refractiveIndex: number, px: number) => ({ refractiveIndex, px, error: 0.01 });
  expect(calibrationLine([at(1.334, 1), at(1.334, 1.01)])).toBeUndefined();
  expect(calibrationLine([at(1.334, 1)], 1.333)).toMatchObject({ flags: ["few_levels"], levels: 2 });
  expect(calibrationLine([at(1.334, 1)], 1.333)?.pxPerRiu).toBeCloseTo(1000, 6);
  const bent = calibrationLine([at(1.334, 1), at(1.335, 1.9), at(1.336, 2.2)], 1.333);
  expect(bent?.flags).toEqual(["not_linear"]);
  expect(bent?.error).toBeGreaterThan(50);
  expect(calibrationLine([at(1.334, Number.NaN), at(1.335, 2)])).toBeUndefined();
});

test("a response far from the baseline errs by what its frames share, a front of the injection before is no drift", () => {
  const [, second] = phasesOf(INJECTIONS, 0, 598e6);
  if (FIRST === undefined || second === undefined) throw new Error("no phases");
  // Noise of each frame, and one error for all frames away from the baseline, as uneven light gives.
  const runs = Array.from({ length: 150 }, (_, seed) => {
    const next = gauss(seed + 1);
    const [offset, timesUs] = [0.1 * next(), Float64Array.from({ length: 300 }, (_, i) => 2e6 * i)];
    const away = timesUs.map((us) => Number((us >= 100e6 && us < 290e6) || (us >= 400e6 && us < 510e6)));
    const result = away.map((there) => there * (2 + offset) + 0.05 * next());
    const frameErrors = away.map((there) => Math.hypot(0.05, there * 0.1));
    return { timesUs, result, frameErrors, flags: new Uint8Array(300) };
  });
  const late = (curve: ResponseCurve, phases = FIRST, windowUs = 10e6) =>
    responsesOf(curve, phases, windowUs).find(({ point }) => point === "late");
  const z = runs.map((curve) => ((late(curve)?.px ?? 0) - 2) / (late(curve)?.error ?? 1));
  expect(Math.abs(rmsOf(z) - 1)).toBeLessThan(0.15);
  const slope = runs.map((curve) => {
    const points = [FIRST, second].map((phases, at) => {
      const { px = 0, error = 1, sharedError } = late(curve, phases) ?? {};
      return { refractiveIndex: 1.334 + at * 1e-6, px, error, sharedError };
    });
    const line = calibrationLine(points, 1.333);
    return ((line?.pxPerRiu ?? 0) - 2000) / (line?.error ?? 1);
  });
  expect(Math.abs(rmsOf(slope) - 1)).toBeLessThan(0.2);
  const flagged = runs.filter((curve) => late(curve, second, 20e6)?.flags.includes("drift"));
  expect(flagged.length).toBeLessThan(0.02 * runs.length);
});
