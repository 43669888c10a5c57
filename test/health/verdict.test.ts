// The first line of `phorest health` never contradicts the alarms below it.
import { expect, test } from "vitest";
import { verdictText } from "../../src/health/verdict.ts";

test.each([
  ["fine", [], "no problems"],
  ["fine", ["1 file is cut off; phorest measured the whole pages"], "only minor problems"],
  ["ill", ["the disk is full"], "there are problems"],
  ["none", [], "no experiment"],
] as const)("%s with the alarms %j: %s", (verdict, alarms, text) => {
  expect(verdictText({ verdict, snapshot: { alarms: [...alarms] } })).toBe(text);
});
