// Fronts of known place, width and height, drawn by the test; erf by its own series.
import { expect, test } from "vitest";
import { frontOf } from "../../src/assay/front.ts";
import { gauss } from "../analysis/gauss.ts";

/** ∫ of the normal distribution, by the series of erf; 1e-12 for |z| below 6. */
function normal(z: number): number {
  if (z < -6) return 0;
  if (z > 6) return 1;
  let [term, sum] = [z, z];
  for (let n = 1; n < 200; n += 1) {
    term *= (-z * z) / (2 * n);
    sum += term / (2 * n + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

interface Truth {
  readonly at: number;
  readonly width: number;
  readonly height: number;
  readonly noise: number;
  readonly drift?: number;
  readonly correlation?: number;
}

/** 120 frames, one a second, of a front. */
function curve({ at, width, height, noise, drift = 0, correlation = 0 }: Truth, seed: number) {
  const next = gauss(seed);
  const seconds = Float64Array.from({ length: 120 }, (_, i) => i);
  let wander = next();
  const values = seconds.map((time) => {
    wander = correlation * wander + Math.sqrt(1 - correlation ** 2) * next();
    const step = width === 0 ? Number(time > at) : normal((time - at) / width);
    return 3 + drift * time + height * step + noise * wander;
  });
  return frontOf(seconds, values);
}

const CASES: [string, Truth][] = [
  ["a sharp rise", { at: 50.3, width: 1, height: 1, noise: 0.02 }],
  ["a broad rise over drift", { at: 61.7, width: 8, height: 0.6, noise: 0.02, drift: 0.001 }],
  ["a fall", { at: 40.5, width: 3, height: -0.5, noise: 0.02 }],
  ["alike frames", { at: 55.2, width: 4, height: 1, noise: 0.03, correlation: 0.6 }],
];

test.each(CASES)("%s: the place is right, and as certain as it says", (_, truth) => {
  const runs = Array.from({ length: 200 }, (_run, seed) => curve(truth, seed + 1));
  const errors = runs.map(({ seconds, error }) => (seconds - truth.at) / error);
  const rms = Math.sqrt(errors.reduce((sum, z) => sum + z * z, 0) / errors.length);
  const bias = runs.reduce((sum, { seconds }) => sum + seconds - truth.at, 0) / runs.length;
  expect(runs.every(({ flags }) => flags.length === 0)).toBe(true);
  // 200 runs know it to 5 %.
  expect(rms).toBeGreaterThan(0.8);
  expect(rms).toBeLessThan(1.2);
  expect(Math.abs(bias)).toBeLessThan(0.05);
  const width = runs.reduce((sum, one) => sum + one.width, 0) / runs.length;
  expect(Math.abs(width / truth.width - 1)).toBeLessThan(0.05);
});

test("a step between two frames is said to be between them", () => {
  const inside = Array.from({ length: 100 }, (_, seed) => {
    const at = 40 + seed / 10 + 0.05;
    const found = curve({ at, width: 0, height: 1, noise: 0.01 }, seed + 1);
    expect(found.flags).toEqual(["between_frames"]);
    return Math.abs(found.seconds - at) / found.error;
  });
  expect(Math.max(...inside)).toBeLessThan(2.5);
});

test("noise and drift alone have no front", () => {
  const found = Array.from({ length: 300 }, (_, seed) =>
    curve({ at: 50, width: 1, height: 0, noise: 0.02, drift: 0.002, correlation: seed % 2 === 0 ? 0 : 0.6 }, seed + 1),
  );
  expect(found.filter(({ flags }) => !flags.includes("no_front")).length).toBeLessThanOrEqual(3);
});

test("few frames have none", () => {
  expect(frontOf(Float64Array.of(0, 1, 2), Float64Array.of(0, 0, 1)).flags).toEqual(["no_front"]);
});
