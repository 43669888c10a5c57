// Durations as people say them.
import { expect, test } from "vitest";
import { agoText, durationText } from "../../src/system/duration-text.ts";

test.each([
  [0.2, "1 s"],
  [89, "89 s"],
  [91, "2 min"],
  [5399, "90 min"],
  [5401, "2 h"],
  [172_799, "48 h"],
  [172_800, "2 days"],
  [604_800, "7 days"],
])("%d s is %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test("what was a moment ago is just now", () => {
  expect(agoText(0.9)).toBe("just now");
  expect(agoText(23_932)).toBe("7 h ago");
});
