import { expect, test } from "vitest";
import { counted, shortList } from "../../src/system/counted.ts";

test.each([
  [0, "0 frames"],
  [1, "1 frame"],
  [2, "2 frames"],
])("%i of them are %s", (count, words) => expect(counted(count, "frame")).toBe(words));

test("a plural without -s is given", () => expect(counted(2, "entry", "entries")).toBe("2 entries"));

test.each([
  [["a", "b"], "a, b"],
  [["a", "b", "c"], "a, b, c"],
  [["a", "b", "c", "d", "e"], "a, b, c and 2 more"],
])("of %j, three names are listed", (names, words) => expect(shortList(names, 3)).toBe(words));
