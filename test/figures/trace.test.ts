import { expect, test } from "vitest";
import type { PlotSeries } from "../../src/figures/plot-input.ts";
import { robustLimits, timeSpan, traceOf, zeroOf } from "../../src/figures/trace.ts";

function series(values: readonly number[], flags: readonly number[] = values.map(() => 0)): PlotSeries {
  const timesMs = Float64Array.from(values, (_value, i) => i * 1000);
  return {
    label: "A",
    baselinePx: undefined,
    timesMs,
    values: Float64Array.from(values),
    flags: Uint8Array.from(flags),
  };
}

const noise = Array.from({ length: 1000 }, (_x, i) => 0.1 * Math.sin(i * i));

test("no more than four points are drawn per pixel column, the extremes among them", () => {
  const values = noise.map((v, i) => (i === 700 ? 2 : v));
  const { runs } = traceOf(series(values), 0, [0, 999_000], 50, [-3, 3]);
  expect(runs).toHaveLength(1);
  expect(runs[0]?.length).toBeLessThanOrEqual(51 * 4);
  expect(runs[0]).toContainEqual({ t: 700_000, v: 2 });
});

test("a gap cuts the line", () => {
  const { runs } = traceOf(series([1, 2, Number.NaN, 3]), 0, [0, 3000], 100, [0, 4]);
  expect(runs.map((run) => run.map(({ v }) => v))).toEqual([[1, 2], [3]]);
});

test("a doubtful point is drawn apart and not joined by the line", () => {
  const { runs, doubtful } = traceOf(series([1, 9, 1], [0, 8, 0]), 0, [0, 2000], 100, [0, 10]);
  expect(runs.flat().map(({ v }) => v)).toEqual([1, 1]);
  expect(doubtful).toEqual([{ t: 1000, v: 9 }]);
});

test("what lies beyond the axis is marked on its edge", () => {
  const { clipped, runs } = traceOf(series([1, 50, 1, -50], [0, 0, 0, 8]), 0, [0, 3000], 100, [0, 2]);
  expect(clipped).toEqual([
    { t: 1000, v: 2, doubtful: false },
    { t: 3000, v: 0, doubtful: true },
  ]);
  expect(Math.max(...runs.flat().map(({ v }) => v))).toBe(2);
});

test("limits hold the curve and not its runaways", () => {
  const limits = robustLimits([series(noise.map((v, i) => (i === 5 ? 1000 : v)))], () => 0);
  expect(limits?.[0]).toBeLessThan(-0.1);
  expect(limits?.[1]).toBeGreaterThan(0.1);
  expect(limits?.[1]).toBeLessThan(0.25);
});

test("limits are those of the doubtful points only where there are no sound ones, and none without points", () => {
  expect(robustLimits([series([1, 2, 500], [0, 0, 4])], () => 0)?.[1]).toBeLessThan(3);
  expect(robustLimits([series([500, 501], [4, 4])], () => 0)?.[1]).toBeGreaterThan(500);
  expect(robustLimits([series([Number.NaN])], () => 0)).toBeUndefined();
  expect(robustLimits([series([7, 7])], () => 0)?.[0]).toBeLessThan(7);
});

test("an ROI without a baseline is measured from its middle", () => {
  expect(zeroOf(series([1, 5, 9]))).toBe(5);
  expect(zeroOf({ ...series([1, 5, 9]), baselinePx: 4 })).toBe(4);
  expect(zeroOf(series([]))).toBe(0);
});

test("one frame, and none, still have a time axis", () => {
  expect(timeSpan([5, 5])[1]).toBeGreaterThan(timeSpan([5, 5])[0]);
  expect(timeSpan(undefined)[1]).toBeGreaterThan(0);
});
