import { expect, test } from "vitest";
import { csvColumns, csvLines, widenColumns } from "../../../src/outputs/csv/file/lines.ts";
import { outcome } from "./outcomes.ts";

test("the established columns come first and in their order, the new ones after them", () => {
  expect(csvColumns(["gaussian"], ["Chip Holder"])).toEqual([
    "timestamp",
    "ROI-label",
    "Analysis-method",
    "amplitude",
    "mu",
    "sigma",
    "offset",
    "error",
    "temperature_chip_holder",
    "resonance_position_px",
    "standard_error_px",
    "quality",
    "flags",
    "image_filename",
  ]);
});

test("each ROI has a line with the median of every quantity, its temperature and its flags", () => {
  const one = outcome(1, { celsius: { "Chip Holder": 22.5 } });
  expect(csvLines(one, csvColumns(["gaussian"], ["Chip Holder"]))).toEqual([
    [
      "2026-03-04T15:20:10.123456Z",
      "A_N",
      "gaussian",
      100,
      101,
      102,
      103,
      104,
      22.5,
      50.001,
      0.0123,
      0.987,
      "",
      "image_1.png",
    ],
    [
      "2026-03-04T15:20:10.123456Z",
      "A_S",
      "gaussian",
      200,
      201,
      202,
      203,
      204,
      22.5,
      51.001,
      0.0123,
      0.987,
      "saturated|jumped",
      "image_1.png",
    ],
  ]);
});

test("what was not measured is an empty cell, and a failed frame has no line", () => {
  const blank = outcome(1, { labels: ["A"], method: "centre" });
  blank.measured?.position.fill(Number.NaN);
  blank.measured?.statistics.fill(Number.NaN);
  expect(csvLines(blank, ["centre", "resonance_position_px", "temperature_air"])).toEqual([["", "", ""]]);
  expect(csvLines(outcome(2, { failed: true }), csvColumns(["centre"], []))).toEqual([]);
});

test("columns of another method and sensor are added between the quantities and the temperatures", () => {
  const columns = csvColumns(["gaussian"], ["Air"]);
  expect(
    widenColumns(columns, [outcome(1, { celsius: { Air: 1 } }), outcome(2, { failed: true, celsius: { Lid: 1 } })]),
  ).toBe(columns);
  const wider = widenColumns(columns, [outcome(3, { method: "centre", celsius: { Lid: 1 } })]);
  expect(wider).toEqual([...csvColumns(["gaussian", "centre"], ["Air", "Lid"])]);
});
