import { expect, test } from "vitest";
import { type FrameSubset, isSubset, SubsetCounter, selectFrames } from "../../src/image/frame-subset.ts";

const START_US = Date.UTC(2026, 0, 1) * 1000;
const at = (second: number) => START_US + second * 1e6;
const series = (count: number) => Array.from({ length: count }, (_, second) => ({ second, takenAtUs: at(second) }));
const chosen = (subset: FrameSubset, count = 20) => {
  const { taken, leftOut } = selectFrames(series(count), subset);
  return [taken.map(({ second }) => second), leftOut];
};

test.each<[string, FrameSubset, number[], string | undefined]>([
  ["nothing", {}, Array.from({ length: 20 }, (_, i) => i), undefined],
  ["every", { every: 7 }, [0, 7, 14], "left out 17 of 20 frames: 17 skipped by every 7"],
  ["more than there are", { every: 100 }, [0], "left out 19 of 20 frames: 19 skipped by every 100"],
  [
    "a window, with its ends",
    { fromUs: at(5), toUs: at(8) },
    [5, 6, 7, 8],
    "left out 16 of 20 frames: 5 before from, 11 after to",
  ],
  ["a limit", { limit: 3 }, [0, 1, 2], "left out 17 of 20 frames: 17 beyond the limit of 3"],
  [
    "every, counted in the window, with a limit",
    { every: 3, fromUs: at(4), toUs: at(15), limit: 2 },
    [4, 7],
    "left out 18 of 20 frames: 4 before from, 4 after to, 8 skipped by every 3, 2 beyond the limit of 2",
  ],
])("chooses by %s, and counts the others", (_, subset, expected, leftOut) => {
  expect(chosen(subset)).toEqual([expected, leftOut]);
});

test("a window without frames is refused with the times that there are", () => {
  expect(() => chosen({ fromUs: at(100) })).toThrow(
    "no frame from 2026-01-01T00:01:40.000000Z: the 20 frames are from 2026-01-01T00:00:00.000000Z to 2026-01-01T00:00:19.000000Z",
  );
  expect(() => chosen({ fromUs: at(2.2), toUs: at(2.8) }, 1)).toThrow(
    /^no frame from .* to .*: the only frame is from /,
  );
  expect(chosen({ fromUs: at(100) }, 0)).toEqual([[], undefined]);
});

test("a later run continues the count from the frames that an earlier one took", () => {
  const subset = { every: 4, limit: 4 };
  const first = new SubsetCounter(subset);
  const taken = new Set(
    series(10)
      .filter(({ takenAtUs }) => first.takes(takenAtUs))
      .map(({ second }) => second),
  );
  expect([...taken]).toEqual([0, 4, 8]);
  const second = new SubsetCounter(subset);
  const more = series(30).filter(({ second: s, takenAtUs }) => {
    if (!taken.has(s)) return second.takes(takenAtUs);
    second.noteTaken(takenAtUs);
    return false;
  });
  expect(more.map(({ second: s }) => s)).toEqual([12]);
});

test("only a choice that may leave something out is one", () => {
  expect([{}, { every: 1 }, { every: 2 }, { fromUs: 0 }, { toUs: 0 }, { limit: 1 }].map(isSubset)).toEqual([
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
});
