import { describe, expect, it } from "vitest";
import { medianOf, quantileOfSorted, roundHalfEven, writeStatistics } from "../../src/analysis/statistics.ts";

function statisticsOf(values: number[]): number[] {
  const target = new Float64Array(10).fill(-1);
  writeStatistics(Float64Array.from(values), target, 1);
  expect([target[0], target[9]]).toEqual([-1, -1]);
  return Array.from(target.subarray(1, 9));
}

describe("statistics over the rows of an ROI", () => {
  it("are numpy's: population deviation, linear quantiles, three decimals", () => {
    // numpy: np.mean, np.std, np.quantile(.25, .5, .75), max, min, std(diff) / (max - min)
    expect(statisticsOf([104.1234, 103.9, 104.45, 105.2, 103.0006])).toEqual([
      104.135, 0.718, 103.9, 104.123, 104.45, 105.2, 103.001, 0.53,
    ]);
  });

  it("of one row have no spread and no smoothness", () => {
    expect(statisticsOf([7.00049])).toEqual([7, 0, 7, 7, 7, 7, 7, 0]);
  });

  it("of no row are not numbers", () => {
    expect(statisticsOf([])).toEqual(Array(8).fill(Number.NaN));
  });

  it("take smoothness over the rounded range, and 0 where that is empty", () => {
    expect(statisticsOf([1.0001, 1.0002, 1.0004])[7]).toBe(0);
  });

  it("keep runaway values", () => {
    expect(statisticsOf([1e20, -1e20, 3])[5]).toBe(1e20);
  });
});

it("rounding goes to the even neighbour in a tie, as numpy's does", () => {
  expect([0.0005, 0.0015, 0.0025, -0.0015, 2.5].map((value) => roundHalfEven(value))).toEqual([
    0, 0.002, 0.002, -0.002, 2.5,
  ]);
  expect(roundHalfEven(2.125, 2)).toBe(2.12);
  expect(roundHalfEven(Number.NaN)).toBeNaN();
});

it("quantiles interpolate between neighbours and end at the extremes", () => {
  const sorted = Float64Array.of(1, 2, 4, 8, 16);
  expect([0, 0.125, 0.5, 0.875, 1].map((share) => quantileOfSorted(sorted, share))).toEqual([1, 1.5, 4, 12, 16]);
  expect(medianOf(Float64Array.of(3, 1, 2))).toBe(2);
  expect(medianOf(new Float64Array(0))).toBeNaN();
});
