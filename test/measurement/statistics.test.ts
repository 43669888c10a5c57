import { describe, expect, it } from "vitest";
import { ROW } from "../../src/analysis/kernel-answer.ts";
import { rowStatistics } from "../../src/analysis/row-summary.ts";
import { medianOf, roundHalfEven } from "../../src/measurement/statistics.ts";
import { randomFrom } from "../image/picture-writers.ts";

function statisticsOf(values: number[]): number[] {
  const status = new Uint8Array(values.length).fill(ROW.ok);
  return Array.from(
    rowStatistics({ columns: Float64Array.from(values), status, rowStart: Int32Array.of(0, values.length) }, 1),
  );
}

/** The quantile of ascending values as numpy's linear rule has it. */
function quantileOfSorted(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.min(Math.floor(at) + 1, sorted.length - 1)] as number;
  const part = at - Math.floor(at);
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
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

it("quartiles, extremes and medians are those of the sorted values, for every number of rows", () => {
  const random = randomFrom(5);
  for (let count = 1; count < 120; count++) {
    const values = Array.from({ length: count }, () => Math.floor(random() * (count % 3 === 0 ? 5 : 1e6)) / 7);
    const sorted = values.toSorted((a, b) => a - b);
    const shares = [0.25, 0.5, 0.75, 1, 0].map((share) => roundHalfEven(quantileOfSorted(sorted, share)));
    expect(statisticsOf(values).slice(2, 7)).toEqual(shares);
    expect(medianOf(Float64Array.from(values))).toBeCloseTo(quantileOfSorted(sorted, 0.5), 9);
  }
  expect(medianOf(Float64Array.of(3, 1, 2, Number.NaN))).toBe(2);
  expect(medianOf(new Float64Array(0))).toBeNaN();
});

it("rows that were not measured count in no quantity, and an ROI without any has no statistics", () => {
  const columns = Float64Array.of(1, 10, Number.NaN, Number.NaN, 3, 30, Number.NaN, Number.NaN);
  const status = Uint8Array.of(ROW.ok, ROW.flat, ROW.ok, ROW.not_converged);
  const statistics = rowStatistics({ columns, status, rowStart: Int32Array.of(0, 3, 4) }, 2);
  expect([statistics[0], statistics[8], statistics[11]]).toEqual([2, 20, 20]);
  expect(statistics.subarray(16)).toEqual(new Float64Array(16).fill(Number.NaN));
});

it("arrays that do not belong together are refused", () => {
  const status = new Uint8Array(3);
  const rowStart = Int32Array.of(0, 3);
  expect(() => rowStatistics({ columns: new Float64Array(5), status, rowStart }, 2)).toThrow(RangeError);
  for (const wrong of [[0, 4], [-1, 3], [2, 1, 3], []]) {
    const rows = { columns: new Float64Array(3), status, rowStart: Int32Array.from(wrong) };
    expect(() => rowStatistics(rows, 1), String(wrong)).toThrow(RangeError);
  }
});
