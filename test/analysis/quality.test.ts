import { describe, expect, it } from "vitest";
import { ROW } from "../../src/analysis/kernel-answer.ts";
import { type Assessment, type RoiEvidence, weigh as weighRoi } from "../../src/analysis/quality.ts";
import { robustLineOfRows, summariseRows } from "../../src/analysis/row-summary.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { medianOf } from "../../src/measurement/statistics.ts";

/** Normal noise from a fixed seed. */
function noise(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** What is known of one ROI. Arrays run over all rows, NaN where a row was not measured. */
interface RowEvidence extends Pick<RoiEvidence, "method" | "saturatedShare" | "residualDistancePx" | "widthPx"> {
  readonly positions: Float64Array;
  readonly rowErrors: Float64Array;
  readonly explained: Float64Array;
  readonly peakToNoise: Float64Array;
  readonly lineWidthPx: number;
}

/** Weighs the rows of an ROI at `position`. */
function weigh(rows: RowEvidence, position: number): Assessment {
  const { method, saturatedShare, residualDistancePx, widthPx, positions, lineWidthPx } = rows;
  const columns = Float64Array.from([...positions].flatMap((value) => [value, lineWidthPx]));
  const [summary] = summariseRows({
    rows: {
      columns,
      status: Uint8Array.from(positions, (value) => (Number.isNaN(value) ? ROW.flat : ROW.ok)),
      rowStart: Int32Array.of(0, positions.length),
      standardError: rows.rowErrors,
      explained: rows.explained,
      peakToNoise: rows.peakToNoise,
    },
    quantities: 2,
    positionColumn: 0,
    widthColumn: 1,
    rounding: method === "max_intensity" ? Math.sqrt(1 / 12) : 0,
  });
  if (summary === undefined) throw new Error("one ROI, one summary");
  return weighRoi({ ...summary, position, method, saturatedShare, residualDistancePx, widthPx });
}

function evidence(positions: Float64Array, changes: Partial<RowEvidence> = {}): RowEvidence {
  const same = (value: number) => positions.map((position) => (Number.isNaN(position) ? Number.NaN : value));
  return {
    method: "gaussian",
    positions,
    rowErrors: same(0.4),
    explained: same(0.9),
    peakToNoise: same(20),
    saturatedShare: 0,
    residualDistancePx: 1,
    lineWidthPx: 20,
    widthPx: 181,
    ...changes,
  };
}

/** Root mean square of the standard errors given, over the scatter that the medians really have. */
function honesty(rows: number, correlation: number, tiltPx: number): number {
  const random = noise(7);
  const medians: number[] = [];
  let squares = 0;
  const trials = 1200;
  for (let trial = 0; trial < trials; trial++) {
    let common = random();
    const positions = new Float64Array(rows).map((_, row) => {
      common = correlation * common + Math.sqrt(1 - correlation ** 2) * random();
      return 90 + tiltPx * (row / (rows - 1) - 0.5) + 1.5 * common;
    });
    const median = medianOf(positions);
    medians.push(median);
    squares += weigh(evidence(positions), median).standardError ** 2;
  }
  const mean = medians.reduce((sum, median) => sum + median, 0) / trials;
  const scatter = Math.sqrt(medians.reduce((sum, median) => sum + (median - mean) ** 2, 0) / trials);
  return Math.sqrt(squares / trials) / scatter;
}

describe("the standard error of the median agrees with its real scatter within 25 %", () => {
  it.each([
    [74, 0, 0],
    [74, 0, 6],
    [74, 0.3, 0],
    [74, 0.6, 6],
    [144, 0.8, 0],
    [144, 0.6, 6],
    [10, 0, 0],
    [10, 0, 6],
  ])("%i rows, correlation %f of neighbours, tilt %f px", (rows, correlation, tilt) => {
    const ratio = honesty(rows, correlation, tilt);
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
  });
});

describe("the standard error", () => {
  it("is hardly moved by a few runaway rows", () => {
    const random = noise(3);
    const clean = new Float64Array(74).map(() => 90 + random());
    const dirty = Float64Array.from(clean);
    for (const row of [3, 40, 41]) dirty[row] = 5000;
    const [before, after] = [clean, dirty].map((rows) => weigh(evidence(rows), medianOf(rows)).standardError);
    expect((after ?? 0) / (before ?? 0)).toBeLessThan(1.3);
  });

  it("comes from the kernel's errors of single rows where rows are few", () => {
    expect(weigh(evidence(Float64Array.of(90)), 90).standardError).toBeCloseTo(0.4, 12);
    expect(weigh(evidence(Float64Array.of(90, 91)), 90.5).standardError).toBeCloseTo(0.4 / Math.SQRT2, 12);
    expect(weigh(evidence(Float64Array.of(90, 91, 92, Number.NaN)), 91).standardError).toBeCloseTo(0.4, 12);
  });

  it("of a few steeply tilted rows is never more than the scatter of one row", () => {
    const rows = new Float64Array(10).map((_, row) => 90 + 5 * row + 0.01 * (row % 2));
    expect(weigh(evidence(rows), medianOf(rows)).standardError).toBeLessThan(0.02);
  });

  it("of rows that are copies of each other is that of one row", () => {
    expect(weigh(evidence(new Float64Array(74).fill(90)), 90).standardError).toBeCloseTo(0.4, 12);
  });

  it("of a maximum is never smaller than the rounding to whole pixels", () => {
    const result = weigh(
      evidence(new Float64Array(74).fill(90), {
        method: "max_intensity",
        rowErrors: new Float64Array(74).fill(Number.NaN),
      }),
      90,
    );
    expect(result.standardError).toBeCloseTo(Math.sqrt(1 / 12), 12);
  });
});

describe("flags and quality", () => {
  const rows = new Float64Array(10).map((_, row) => 90 + 0.01 * row);
  const flagsOf = (position: number, changes: Partial<RowEvidence> = {}, positions = rows) =>
    weigh(evidence(positions, changes), position).flags;

  it("a good ROI has none, and the quality of its rows", () => {
    expect(flagsOf(90)).toBe(0);
    expect(weigh(evidence(rows), 90).quality).toBeCloseTo(0.9, 12);
  });

  it("clipped pixels, an edge, low contrast each set their own flag", () => {
    expect(flagsOf(90, { saturatedShare: 0.006 })).toBe(FLAGS.saturated);
    expect([2, -30, 178, 400].map((position) => flagsOf(position))).toEqual(Array(4).fill(FLAGS.at_edge));
    expect(flagsOf(90, { peakToNoise: rows.map(() => 1) })).toBe(FLAGS.low_contrast);
    expect(flagsOf(90, { rowErrors: rows.map(() => 40) })).toBe(FLAGS.low_contrast);
  });

  it("without a fit more contrast is asked for, because the highest sample of noise stands out of it", () => {
    const faint = { peakToNoise: rows.map(() => 3.4) };
    expect(flagsOf(90, faint)).toBe(0);
    expect(flagsOf(90, { ...faint, method: "max_intensity" })).toBe(FLAGS.low_contrast);
  });

  it("fewer than half of the rows measured is not converged, and lowers the quality", () => {
    const few = rows.map((value, row) => (row < 6 ? Number.NaN : value));
    expect(flagsOf(90, {}, few)).toBe(FLAGS.not_converged);
    expect(weigh(evidence(few), 90).quality).toBeCloseTo(0.36, 12);
  });

  it("a line that leaves a second band unexplained is not converged", () => {
    const explained = rows.map(() => 0.6);
    expect(flagsOf(90, { explained, residualDistancePx: 18 })).toBe(FLAGS.not_converged);
    expect(flagsOf(90, { explained, residualDistancePx: 4 })).toBe(0);
    expect(flagsOf(90, { residualDistancePx: 18 })).toBe(0);
  });

  it("a line wider than three tenths of the row is a slope of the light, and marked as at the edge", () => {
    expect(flagsOf(90, { lineWidthPx: 60 })).toBe(FLAGS.at_edge);
    expect(flagsOf(90, { lineWidthPx: 48 })).toBe(0);
    expect(flagsOf(90, { lineWidthPx: Number.NaN })).toBe(0);
  });

  it("a position that may be at the edge, within two standard errors, is at the edge", () => {
    const one = new Float64Array([18]);
    expect(flagsOf(18, { rowErrors: new Float64Array([1]) }, one)).toBe(0);
    expect(flagsOf(18, { rowErrors: new Float64Array([4]) }, one)).toBe(FLAGS.at_edge);
  });

  it("a joint fit is trusted with half the contrast of a row, but with less misfit", () => {
    const joint = { method: "joint", explained: rows.map(() => 0.5) } as const;
    expect(flagsOf(90, { ...joint, peakToNoise: rows.map(() => 2) })).toBe(0);
    expect(flagsOf(90, { ...joint, peakToNoise: rows.map(() => 1.4) })).toBe(FLAGS.low_contrast);
    expect(flagsOf(90, { ...joint, residualDistancePx: 8 })).toBe(FLAGS.not_converged);
    expect(flagsOf(90, { explained: joint.explained, residualDistancePx: 8 })).toBe(0);
  });

  it("no row at all is worthless, with an unknown error", () => {
    const result = weigh(evidence(rows.map(() => Number.NaN)), Number.NaN);
    expect(result).toMatchObject({ standardError: Number.NaN, quality: 0 });
    expect(result.flags & FLAGS.not_converged).toBe(FLAGS.not_converged);
    expect(result.flags & FLAGS.at_edge).toBe(0);
  });
});

it("the line through the rows ignores a quarter of wild ones and rows not measured", () => {
  const rows = new Float64Array(40).map((_, row) =>
    row % 4 === 0 ? 500 : row === 7 ? Number.NaN : 80 + 0.05 * row + 0.001 * (row % 3),
  );
  expect(robustLineOfRows(rows)[1]).toBeCloseTo(0.05, 1);
});
