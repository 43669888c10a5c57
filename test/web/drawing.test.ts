// What is drawn of numbers, times and markers, without a browser.
import { expect, test } from "vitest";
import { cutText, placeMarkers } from "../../src/figures/marker-places.ts";
import { aligned } from "../../src/web/app/aligned.ts";
import { decimalsOf, roundTicks, timeTicks } from "../../src/web/app/ticks.ts";

test.each([
  [0.25, 2],
  [5, 0],
  [0.0002, 4],
  [0.000025, 6],
])("numbers %d apart are written with %i decimals", (step, decimals) => {
  expect(decimalsOf(step)).toBe(decimals);
});

test("ticks are round numbers within the range", () => {
  const { step, ticks } = roundTicks(0.0000776, 0.00107, 6);
  expect(step).toBeCloseTo(0.0002, 12);
  expect(ticks.map((tick) => tick.toFixed(decimalsOf(step)))).toEqual([
    "0.0002",
    "0.0004",
    "0.0006",
    "0.0008",
    "0.0010",
  ]);
  expect(roundTicks(-1, 1, 4).ticks).toEqual([-1, -0.5, 0, 0.5, 1]);
});

test("ticks of time are whole seconds, minutes, hours or days", () => {
  const from = Date.UTC(2026, 2, 4, 15, 20, 17);
  expect(timeTicks(from, from + 96_000, 7).step).toBe(15_000);
  expect(timeTicks(from, from + 96_000, 7).ticks[0]).toBe(Date.UTC(2026, 2, 4, 15, 20, 30));
  expect(timeTicks(from, from + 40 * 86_400_000, 7).step).toBe(7 * 86_400_000);
});

const LETTERING = { characterPx: 6, longestPx: 180 };

test("texts of markers never meet, and none leaves the drawing", () => {
  const markers = [0, 5, 10, 95].map((timeMs) => ({ timeMs, text: "an injection of something" }));
  const placed = placeMarkers(markers, [0, 100], 800, LETTERING);
  expect(placed.map(({ y }) => y)).toEqual([8, 21, 34, 8]);
  expect(placed.map(({ left }) => left)).toEqual([false, false, false, true]);
  expect(cutText("x".repeat(200), LETTERING)).toHaveLength(30);
});

test("the text of a marker stays on its own side of the marker before, cut where there is no room", () => {
  const texts = ["1 % ethanol", "2 % ethanol", "4 % ethanol"];
  const markers = texts.map((text, at) => ({ timeMs: 12 + 30 * at, text }));
  const near = placeMarkers(markers, [0, 100], 240, LETTERING);
  expect(near.map(({ text, left }) => [text, left])).toEqual([
    ["1 % ethanol", false],
    ["2 % ethanol", false],
    ["4 % ethan…", true],
  ]);
  const last = placeMarkers(
    [
      { timeMs: 10, text: "a" },
      { timeMs: 95, text: "a long text" },
    ],
    [0, 100],
    240,
    LETTERING,
  );
  expect(last.map(({ left }) => left)).toEqual([false, true]);
});

test("series with times of their own stand on one axis; gaps stay gaps, and what says nothing is none", () => {
  const one = { times: [1000, 3000, 4000], values: [1, null, 2] };
  const other = { times: [2000, 3000], values: [5, 6] };
  expect(aligned([one, other, { times: [], values: [] }], 1 / 1000)).toEqual([
    [1, 2, 3, 4],
    [1, undefined, null, 2],
    [undefined, 5, 6, undefined],
    [undefined, undefined, undefined, undefined],
  ]);
  expect(aligned([], 1)).toEqual([[]]);
});
