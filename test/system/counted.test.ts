import { expect, test } from "vitest";
import { counted } from "../../src/system/counted.ts";

test.each([
  [0, "0 frames"],
  [1, "1 frame"],
  [2, "2 frames"],
])("%i of them are %s", (count, words) => expect(counted(count, "frame")).toBe(words));

test("a plural without -s is given", () => expect(counted(2, "entry", "entries")).toBe("2 entries"));
