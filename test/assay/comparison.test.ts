import { expect, test } from "vitest";
import { compare, figuresOf } from "../../src/assay/comparison.ts";
import type { Precision } from "../../src/assay/precision.ts";
import { differenceOf } from "../../src/figures/comparison-figure.ts";

const precision = { noise: 1, driftPerHour: 2, detectionLimit: 3 } as Precision;

test("the end shift is the median of the last tenth, without flagged frames", () => {
  const result = Float64Array.from({ length: 50 }, (_x, at) => (at < 45 ? 0 : at === 47 ? 99 : 5 + at / 100));
  const flags = new Uint8Array(50);
  flags[47] = 1;
  expect(figuresOf({ result, flags, precision }).endShiftMedian).toBeCloseTo((5.46 + 5.48) / 2, 12);
  expect(figuresOf({ result, flags: new Uint8Array(50).fill(1), precision }).endShiftMedian).toBeNaN();
});

test("curves are paired by label; those of one side only are named", () => {
  const one = { endShiftMedian: 1, noise: 1, driftPerHour: 1, detectionLimit: 1 };
  const { compared, onlyA, onlyB } = compare(
    new Map([
      ["1", one],
      ["2", one],
    ]),
    new Map([
      ["2", one],
      ["3", one],
    ]),
  );
  expect([compared.map(({ label }) => label), onlyA, onlyB]).toEqual([["2"], ["1"], ["3"]]);
});

test("a difference is taken at the times of the first, with the second on straight lines between its frames", () => {
  const a = { seconds: Float64Array.of(0, 1, 2.5, 4, 9), values: Float64Array.of(1, 1, 1, 1, 1) };
  const b = { seconds: Float64Array.of(0, 2, 4), values: Float64Array.of(1, 3, 7) };
  expect([...differenceOf(a, b).values]).toEqual([0, 1, 3, 6, Number.NaN]);
});
