import { describe, expect, test } from "vitest";
import { isSameCalibration, keepRois, labelPatterns } from "../../src/measurement/keep-rois.ts";
import { labelMatcher } from "../../src/measurement/labels.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";

const LABELS = ["010A_N", "010A_S", "015B_N", "052A_N", "190B_S"];
const all = parseRoiManifest(
  formatRoiManifest({
    imageAngle: -0.3,
    rois: LABELS.map((label, i) => ({ label, flip: i % 2 === 0, y: i * 40, x: 20, height: 40, width: 181 })),
  }),
  "the test",
);

describe("keepRois", () => {
  test.each([
    ["01*", ["010A_N", "010A_S", "015B_N"]],
    ["*_n", ["010A_N", "015B_N", "052A_N"]],
    ["052a_N, 190B_S", ["052A_N", "190B_S"]],
    ["190*,010?_S", ["010A_S", "190B_S"]],
    ["*", LABELS],
  ])("%s keeps its ROIs in their order, where they were", (text, labels) => {
    const kept = keepRois(all, labelPatterns("--keep", text), "--keep");
    expect(kept.rois).toEqual(all.rois.filter(({ label }) => labels.includes(label)));
    expect(kept.imageAngle).toBe(-0.3);
    expect(parseRoiManifest(kept.json, "again").sha256).toBe(kept.sha256);
  });

  test("all of it is the manifest itself", () => {
    expect(keepRois(all, [], "--roi")).toBe(all);
    expect(keepRois(all, ["*"], "--roi")).toBe(all);
  });

  test.each([
    ["053*", "052A_N"],
    ["191B_S", "190B_S"],
    ["01*,016B_N", "015B_N"],
  ])("%s has a pattern without an ROI: the nearest label is named", (text, nearest) => {
    const failure = () => keepRois(all, labelPatterns("--keep", text), "--keep");
    expect(failure).toThrow(`--keep: no ROI is named "${text.split(",").at(-1)}"`);
    expect(failure).toThrow(expect.objectContaining({ hint: `did you mean ${nearest}?` }));
  });

  test.each(["", "01*,", " , "])("a list with nothing between its commas is refused: %j", (text) => {
    expect(() => labelPatterns("--roi", text)).toThrow("--roi needs labels of ROIs");
  });
});

test("a part of the ROIs is of the same calibration; moved, turned or other ROIs are not", () => {
  const part = keepRois(all, ["01*"], "--roi");
  const changed = (change: object) =>
    parseRoiManifest(formatRoiManifest({ imageAngle: -0.3, rois: all.rois, ...change }), "changed");
  expect([isSameCalibration(all, part), isSameCalibration(part, all)]).toEqual([true, true]);
  expect(isSameCalibration(part, changed({ rois: all.rois.map((roi) => ({ ...roi, x: roi.x + 1 })) }))).toBe(false);
  expect(isSameCalibration(all, changed({ imageAngle: 0 }))).toBe(false);
  expect(isSameCalibration(part, keepRois(all, ["190*"], "--roi"))).toBe(false);
});

test.each([
  ["a*b", "aXXb", true],
  ["a*b", "aXXbc", false],
  ["*a*b*", "xaxxbx", true],
  ["?b", "ab", true],
  ["?b", "b", false],
  ["a?", "a", false],
  ["*?", "", false],
  ["**", "", true],
  ["a*a", "a", false],
])("the pattern %s and the label %s: %s", (pattern, label, expected) => {
  expect(labelMatcher([pattern])(label)).toBe(expected);
});

test("a pattern of many stars ends", () => {
  expect(labelMatcher(["*a".repeat(2000)])("a".repeat(1999))).toBe(false);
});
