import { expect, test } from "vitest";
import { baselineInForce, baselineOf, levelsIn } from "../../src/assay/baseline.ts";
import type { TimeWindow } from "../../src/measurement/time-window.ts";

const S = 1e6;
const FIRST = 1_000 * S;

const marked = (seconds: readonly number[], chosen?: TimeWindow) => ({
  markers: {
    all: () => seconds.map((second, markerId) => ({ markerId, atUs: FIRST + second * S, text: "x" })),
    baseline: () => chosen,
  },
});

const window = (from: number, to: number): TimeWindow => ({ fromUs: FIRST + from * S, toUs: FIRST + to * S });

test.each<[string, number[], [number, number]]>([
  ["the first seconds", [], [0, 100]],
  ["up to the first marker", [60], [0, 60]],
  ["markers outside do not count, nor one at the first frame", [-5, 0, 100, 400], [0, 100]],
  ["a marker just after the start leaves too little before it", [2, 70], [2, 70]],
  ["the longest stretch where all are short", [5, 10, 18, 25, 33, 40, 47, 55, 63, 70, 76, 84, 91, 96], [10, 18]],
])("%s", (_name, seconds, [from, to]) => {
  const { window: found, origin } = baselineOf(marked(seconds), FIRST, 100);
  expect(found).toEqual(window(from, to));
  expect(origin).toBe(to - from === 100 ? "opening" : "markers");
});

test("what a person chose counts, unless it ends before the first frame", () => {
  const chosen = window(200, 300);
  expect(baselineOf(marked([60], chosen), FIRST, 100)).toEqual({ window: chosen, origin: "chosen" });
  expect(baselineOf(marked([], window(-50, -10)), FIRST, 100)).toEqual({ window: window(0, 100), origin: "opening" });
});

test("it holds the first frame at least, and is empty without frames", () => {
  expect(baselineOf(marked([]), FIRST, 1e-9).window).toEqual({ fromUs: FIRST, toUs: FIRST + 1 });
  expect(baselineInForce(marked([]), 60)(new Float64Array(0))).toEqual({ fromUs: 0, toUs: 0 });
});

test("the level is the median of the positions without flags", () => {
  const positions = [
    [10, 1],
    [12, Number.NaN],
    [11, Number.NaN],
    [99, Number.NaN],
  ];
  const curves = {
    within: function* () {
      for (const [at, position] of positions.entries()) {
        const flags = Uint8Array.of(at === 3 ? 1 : 0, 1);
        yield { outcomeId: at, entryId: at, capturedAtUs: FIRST + at, position: Float32Array.from(position), flags };
      }
    },
  };
  expect([...levelsIn({ curves }, [1], 2, window(0, 1))]).toEqual([11, Number.NaN]);
});
