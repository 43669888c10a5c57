import { describe, expect, it } from "vitest";
import { formatRecord, type RecordInput } from "../../src/analysis/record.ts";
import { decodeValues, encodeValues } from "../../src/analysis/task.ts";
import { FLAGS, type FrameResult, QUANTITIES, STATISTICS } from "../../src/measurement/method.ts";

const RESULT: FrameResult = {
  method: "centre",
  position: Float64Array.of(104.5, Number.NaN),
  standardError: Float64Array.of(0.1, Number.NaN),
  quality: Float64Array.of(0.75, 0),
  flags: Uint8Array.of(FLAGS.saturated | FLAGS.jumped, FLAGS.not_converged),
  statistics: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, ...Array(8).fill(Number.NaN)),
  brightness: 149.74,
  contrast: 107,
};

const INPUT: RecordInput = {
  entryTimestamp: "2026-03-04T05:06:07.000000Z",
  imageTimestamp: "2026-03-04T05:06:08.000000Z",
  temperatureTimestamp: null,
  imageFilename: "image.png",
  processingTimestamp: "2026-03-04T05:06:09.000Z",
  failureMessage: null,
  result: RESULT,
  labels: ["052A_N", "052A_S"],
  temperatures: { "Chip holder": 21.5 },
};

describe("a record of processing_results.jsonl", () => {
  it("has the established fields in the established order, ours after them", () => {
    const record = JSON.parse(formatRecord(INPUT));
    expect(Object.keys(record)).toEqual([
      "manifest_entry_timestamp",
      "image_timestamp",
      "temperature_timestamp",
      "image_filename",
      "processing_timestamp_iso",
      "processing_successful",
      "processing_error_message",
      "image_analysis",
      "temperature_readings",
      "resonances",
    ]);
    expect(record.image_analysis[0]).toEqual({ brightness: 149.74, contrast: 107 });
    expect(record.image_analysis[1]).toEqual({
      "ROI-label": "052A_N",
      "Analysis-method": "centre",
      centre: { Mean: 1, STD: 2, LQ: 3, Median: 4, UQ: 5, Max: 6, Min: 7, Smoothness: 8 },
    });
    expect(record.temperature_readings).toEqual({ "Chip holder": 21.5 });
  });

  it("is one line, with null where a number does not exist, and the doubt beside it", () => {
    const line = formatRecord(INPUT);
    expect(line).not.toContain("\n");
    expect(line).not.toContain("NaN");
    const record = JSON.parse(line);
    expect(record.image_analysis[2].centre.Median).toBeNull();
    expect(record.resonances).toEqual([
      { "ROI-label": "052A_N", position: 104.5, standard_error: 0.1, quality: 0.75, flags: ["saturated", "jumped"] },
      { "ROI-label": "052A_S", position: null, standard_error: null, quality: 0, flags: ["not_converged"] },
    ]);
  });

  it("of a failed frame says why and holds no analysis", () => {
    const record = JSON.parse(formatRecord({ ...INPUT, result: null, failureMessage: "a.png: the file is empty" }));
    expect(record).toMatchObject({
      processing_successful: false,
      processing_error_message: "a.png: the file is empty",
      image_analysis: null,
      resonances: null,
    });
  });

  it("holds every row's values in debug mode only", () => {
    const values = [[Float64Array.of(1.5, 2.5)], [new Float64Array(0)]];
    const record = JSON.parse(formatRecord({ ...INPUT, result: { ...RESULT, values } }));
    expect(record.image_analysis[1].centre.Values).toEqual([1.5, 2.5]);
    expect(record.image_analysis[2].centre.Values).toEqual([]);
    expect(JSON.parse(formatRecord(INPUT)).image_analysis[1].centre).not.toHaveProperty("Values");
  });

  it("counts on the order of quantities and statistics of the kernel's columns", () => {
    const count = QUANTITIES.fano.length * STATISTICS.length;
    const statistics = Float64Array.from({ length: 2 * count }, (_, at) => at);
    const record = JSON.parse(formatRecord({ ...INPUT, result: { ...RESULT, method: "fano", statistics } }));
    expect(record.image_analysis[2].resonance.Median).toBe(count + 2 * 8 + 3);
  });
});

it("the rows' values survive packing, ROIs without rows included", () => {
  const row = (...values: number[]) => Float64Array.from(values);
  const values = [
    [row(1, 2), row(3, 4), row(5, 6), row(7, 8), row(9, 1e300)],
    QUANTITIES.gaussian.map(() => new Float64Array(0)),
    [row(0.1), row(0.2), row(0.3), row(0.4), row(0.5)],
  ];
  expect(decodeValues(encodeValues(values), "gaussian")).toEqual(values);
});
