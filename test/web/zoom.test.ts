import { expect, test } from "vitest";
import { zoomed } from "../../src/web/app/zoom.ts";

test("zooming keeps the time at the cursor in its place, or the middle, and shows at least a second", () => {
  expect(zoomed([0, 8000], 0.5)).toEqual([2000, 6000]);
  expect(zoomed([0, 8000], 0.5, 2000)).toEqual([1000, 5000]);
  expect(zoomed([0, 8000], 2, 0)).toEqual([0, 16_000]);
  expect(zoomed([0, 2000], 0.5)).toEqual([500, 1500]);
  expect(zoomed([0, 1900], 0.5)).toBeUndefined();
});
