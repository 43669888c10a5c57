import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { encodeFailure } from "../../src/failure/failure.ts";
import { isKeptLabel, isLabel, labelProblem, textProblem, withoutUnseen } from "../../src/measurement/label-rules.ts";
import { parseRoiManifest } from "../../src/measurement/roi.ts";
import { MARKER, PICTURE_NAME, PLACES, pictureName } from "../../src/web/queries.ts";

/** One or more of each kind, in no order of code points. */
const UNSEEN: Readonly<Record<string, readonly string[]>> = {
  "control characters": ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b"],
  "marks of direction": ["\u202e", "\u202a", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c"],
  "zero width": ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u{e0041}", "\u180e"],
  "ends of lines and paragraphs": ["\u2028", "\u2029"],
  "halves of characters": ["\ud800", "\udc00"],
  "characters without a meaning": ["\ue000", "\u{f0000}"],
};
const BLANKS = [" ", "   ", "\u00a0", "\u3000\u2003", "\u2800", "\u3164", "\ufe0f", "\u034f"];
const SEEN = ["052A_N", "Gitter 5 µm", "格子-1", "=1+2", 'say "hi"', "e\u0301", "ΔΛ", "🧪", "שלום", "x".repeat(100)];

const roiManifest = (label: string): string =>
  JSON.stringify({ image_angle: 0, ROI_a: { label, flip: true, coords: [1, 1], size: [2, 2] } });

describe.each(Object.entries(UNSEEN))("%s", (_, characters) => {
  test.each(characters.map((character) => [character.codePointAt(0)?.toString(16), character]))(
    "U+%s",
    (_code, one) => {
      const given = `1A${one}N`;
      expect(isLabel(given)).toBe(false);
      expect(labelProblem(given)).toMatch(/^[\x20-\x7e]+$/);
      expect(() => parseRoiManifest(roiManifest(given), "here")).toThrow(/label/);
      expect(MARKER.safeParse({ at: 1, text: given }).success).toBe(false);
      const places = ["052A", given].map((label) => ({ label, x: 1, y: 1 }));
      expect(PLACES.safeParse({ id: 1, places }).success).toBe(false);
      expect(withoutUnseen(given)).toBe("1AN");
      expect(pictureName(PICTURE_NAME.parse({ name: `a${one}.png` }))).not.toContain(one);
    },
  );
});

test.each(BLANKS)("only blanks, %j", (blank) => {
  expect(isLabel(blank)).toBe(false);
  expect(textProblem(blank)).toMatch(/visible characters/);
  expect(() => parseRoiManifest(roiManifest(blank), "here")).toThrow(/label/);
});

test.each(SEEN)("%s is a label, and a text of a marker", (label) => {
  expect(labelProblem(label)).toBeUndefined();
  expect(MARKER.parse({ at: 1, text: label })).toMatchObject({ text: label });
  expect(parseRoiManifest(roiManifest(label), "here").rois[0]?.label).toBe(label);
});

test("a recorded label of an earlier version stays readable, but for what no version took", () => {
  for (const label of ["1A\u202eN", "1A\u200b", "  "]) {
    expect(isKeptLabel(label)).toBe(true);
    expect(parseRoiManifest(roiManifest(label), "the database", { kept: true }).rois[0]?.label).toBe(label);
  }
  for (const label of ["", "1\n", "\ud800", "x".repeat(101), 7]) expect(isKeptLabel(label)).toBe(false);
});

test.each([
  ['[Analysis.groups]\n"a\u202eb" = ["05*"]', "Analysis.groups"],
  ['[Temperature.thermocouple_sensors]\n28-01 = "\u200b"', "Temperature.thermocouple_sensors"],
  ['[Temperature.command_sensors]\n" " = ["true"]', "Temperature.command_sensors"],
])("names in the configuration, %j", (text, key) => {
  let refusal: unknown;
  try {
    parseConfig(text, "/experiment");
  } catch (error) {
    refusal = error;
  }
  const { code, message } = encodeFailure(refusal);
  expect(code).toBe("config.invalid");
  expect(message).toContain(key);
  expect(message).toContain("invisible");
});
