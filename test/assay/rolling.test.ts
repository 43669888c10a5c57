import { expect, test } from "vitest";
import { frameIntervals, histogramAxis, histogramOf, intervalSummary } from "../../src/assay/intervals.ts";
import { rollingDifference, rollingMedian } from "../../src/assay/rolling.ts";

test("the rolling median is that of pandas, rolling(n, center=True)", () => {
  const values = Float64Array.of(5, 1, 4, 9, 2, 7, 3);
  expect([...rollingMedian(values, 3)]).toEqual([Number.NaN, 4, 4, 4, 7, 3, Number.NaN]);
  expect([...rollingMedian(values, 4)]).toEqual([Number.NaN, Number.NaN, 4.5, 3, 5.5, 5, Number.NaN]);
});

test("a missing value does not end the curve, a window that is mostly empty has none", () => {
  const values = Float64Array.of(1, Number.NaN, 3, Number.NaN, Number.NaN, 6, 7);
  expect([...rollingMedian(values, 3)]).toEqual([Number.NaN, 2, Number.NaN, Number.NaN, Number.NaN, 6.5, Number.NaN]);
});

test("the difference is the step at each frame, as large as it is", () => {
  const step = Float64Array.from({ length: 40 }, (_x, at) => (at < 20 ? 1 : 3) + (at % 2) * 0.001);
  const difference = rollingDifference(step, 10);
  const found = difference.reduce((best, value, at) => (value > (difference[best] ?? -1) ? at : best), 10);
  expect(found).toBe(20);
  expect(difference[20]).toBeCloseTo(2, 9);
  expect([...difference].filter(Number.isNaN)).toHaveLength(10 + 9);
});

test("intervals, and how many are long enough to miss a frame", () => {
  const seconds = frameIntervals(Float64Array.of(0, 10e6, 20e6, 40e6, 50.2e6));
  expect([...seconds]).toEqual([10, 10, 20, 10.2]);
  expect(intervalSummary(seconds)).toEqual({ medianSeconds: 10.1, shortestSeconds: 10, longestSeconds: 20, long: 1 });
});

test.each([
  ["alike", Float64Array.of(10, 10, 10)],
  ["spread", Float64Array.from({ length: 500 }, (_x, at) => 10 + Math.sin(at))],
  ["with a pause", Float64Array.of(0.1, 0.1, 0.1, 3600)],
])("every interval is in one bar: %s", (_name, values) => {
  const bars = histogramOf(values);
  expect(bars.length).toBeLessThanOrEqual(62);
  expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
  for (const value of values) {
    const [bar, ...others] = bars.filter(
      ({ from, to }) => value >= from - 1e-9 && value < to + 1e-9 && value - from < to - from,
    );
    expect(bar?.count ?? 0, `${value} with ${others.length} others`).toBeGreaterThan(0);
  }
});

test("intervals that are all alike are one narrow bar in the middle of the axis", () => {
  const bars = histogramOf(Float64Array.of(10, 10, 10));
  const [low, high] = histogramAxis(bars);
  const [bar] = bars;
  expect(bars).toHaveLength(1);
  expect(((bar?.to ?? 0) - (bar?.from ?? 0)) / (high - low)).toBeLessThan(0.1);
  expect((low + high) / 2).toBeCloseTo(((bar?.to ?? 0) + (bar?.from ?? 0)) / 2, 9);
});
