import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeStatistics, encodeStatistics } from "../../src/manifest/statistics-codec.ts";
import { QUANTITIES, STATISTICS } from "../../src/measurement/method.ts";
import { packageRoot } from "../../src/system/files.ts";

/** Whole thousandths of a size that real statistics have. */
function thousandths(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => Math.round(100_000 * Math.sin(i * 1.7) * (1 + (i % 8))) / 1000);
}

function roundTrip(values: Float64Array, perRoi: number): Float64Array {
  return decodeStatistics(encodeStatistics(values, perRoi));
}

describe("the codec of a frame's statistics", () => {
  for (const [method, quantities] of Object.entries(QUANTITIES)) {
    it(`gives back every number of a ${method} result exactly`, () => {
      const perRoi = quantities.length * STATISTICS.length;
      const values = thousandths(perRoi * 322);
      expect(roundTrip(values, perRoi)).toEqual(values);
    });
  }

  it("keeps NaN, infinities, runaway fits and numbers with more decimals as they are", () => {
    const values = thousandths(8 * 20);
    const strange = [
      Number.NaN,
      Infinity,
      -Infinity,
      1e300,
      -4.7e15,
      562_949_953_421.312,
      0.123456789,
      1e-9,
      9e12 + 0.001,
    ];
    strange.forEach((value, i) => {
      values[i * 11] = value;
    });
    values.fill(Number.NaN, 8 * 12, 8 * 13);
    expect(roundTrip(values, 8)).toEqual(values);
  });

  it("gives back nothing for no ROI", () => {
    expect(roundTrip(new Float64Array(0), 48)).toHaveLength(0);
  });

  it("refuses bytes that are cut short or of another form", () => {
    const bytes = encodeStatistics(thousandths(48 * 10), 48);
    expect(() => decodeStatistics(bytes.subarray(0, bytes.length - 20))).toThrow(/damaged/);
    expect(() => decodeStatistics(Uint8Array.of(99, ...bytes.subarray(1)))).toThrow(/form 99/);
    expect(() => decodeStatistics(new Uint8Array(0))).toThrow(/damaged/);
  });

  it("refuses numbers that are not statistics of whole ROIs", () => {
    expect(() => encodeStatistics(new Float64Array(50), 48)).toThrow(RangeError);
    expect(() => encodeStatistics(new Float64Array(50), 10)).toThrow(RangeError);
  });

  // The larger oracle is optional: a checkout without it skips this one test, and says so.
  const oracle = process.env.PHOREST_ORACLE ?? join(packageRoot(), "../shared/oracle");
  const results = join(oracle, "images/img_A.results.json");
  it.skipIf(!existsSync(results))("packs the Fano statistics of a real picture into at most 120 bytes an ROI", () => {
    const { runs } = JSON.parse(readFileSync(results, "utf8")) as {
      runs: Record<string, { rois: Record<string, Record<string, Record<string, number>>> }>;
    };
    const rois = Object.values(runs["fano/0"]?.rois ?? {});
    const numbers = rois.flatMap((roi) =>
      QUANTITIES.fano.flatMap((quantity) => STATISTICS.map((statistic) => roi[quantity]?.[statistic] ?? Number.NaN)),
    );
    const values = Float64Array.from(numbers);
    const bytes = encodeStatistics(values, 48);
    expect(decodeStatistics(bytes)).toEqual(values);
    expect(rois.length).toBeGreaterThan(100);
    expect(bytes.length / rois.length).toBeLessThan(120);
  });
});
