// The baseline of an experiment: the quiet stretch at its beginning, the same for a live run and a later reading.
import { expect, test } from "vitest";
import { BaselineInForce, type BaselineSource, baselineText } from "../../src/assay/baseline.ts";
import type { Curve } from "../../src/manifest/frame-curve.ts";
import type { TimeWindow } from "../../src/measurement/time-window.ts";
import { TimeZone, UTC } from "../../src/system/time-zone.ts";
import { normal } from "../support/normal.ts";

const S = 1e6;
const FIRST = Date.UTC(2026, 2, 4, 10) * 1000;
const ROIS = 12;

/** An experiment with a frame a second, of which `frames.length` have been measured. */
function measured(
  frames: readonly Curve[],
  markers: readonly number[] = [],
  chosen?: TimeWindow,
  injection?: number,
): BaselineSource {
  return {
    markers: {
      moments: () => markers.map((second) => FIRST + second * S),
      baseline: () => chosen,
      firstInjectionUs: () => (injection === undefined ? undefined : FIRST + injection * S),
    },
    curves: {
      after: function* (_id, outcome = 0) {
        yield* frames.filter(({ outcomeId }) => outcomeId > outcome);
      },
      within: function* (_id, fromUs, toUs) {
        const within = frames.filter(({ capturedAtUs }) => capturedAtUs >= fromUs && capturedAtUs < toUs);
        yield* within.sort((a, b) => a.capturedAtUs - b.capturedAtUs);
      },
      countWithin: (_id, fromUs, toUs) =>
        frames.filter(({ capturedAtUs }) => capturedAtUs >= fromUs && capturedAtUs < toUs).length,
    },
    archives: { last: () => 0 },
    analyses: { measured: () => [] },
  };
}

/** Frames of normal noise, and `px` more from the second `stepAt` on. */
function frames(count: number, stepAt = Number.POSITIVE_INFINITY, px = 1): Curve[] {
  const random = normal(7);
  return Array.from({ length: count }, (_, second) => ({
    outcomeId: second + 1,
    entryId: second + 1,
    capturedAtUs: FIRST + second * S,
    position: Float32Array.from({ length: ROIS }, () => 50 + 0.02 * random() + (second >= stepAt ? px : 0)),
    flags: new Uint8Array(ROIS),
  }));
}

const window = (from: number, to: number): TimeWindow => ({ fromUs: FIRST + from * S, toUs: FIRST + to * S });

test.each<[string, number[], [number, number]]>([
  ["the first seconds", [], [0, 100]],
  ["up to the first marker", [60], [0, 60]],
  ["markers outside do not count, nor one at the first frame", [-5, 0, 100, 400], [0, 100]],
  ["a marker just after the start leaves too little before it", [2, 70], [2, 70]],
  ["few frames are enough, however long the rest", [9, 70], [0, 9]],
  [
    "the longest stretch where all are short",
    [5, 10, 17, 22, 29, 34, 40, 45, 51, 57, 64, 70, 76, 83, 90, 96],
    [10, 17],
  ],
])("%s", (_name, markers, [from, to]) => {
  const found = new BaselineInForce(measured(frames(120), markers), 100).of(1);
  expect(found?.window).toEqual(window(from, to));
  expect(found?.origin).toBe(to - from === 100 ? "opening" : "markers");
});

test("it is never in an injection, however few frames there are before the first", () => {
  const of = (markers: number[], injection: number) =>
    new BaselineInForce(measured(frames(120), [...markers, injection], undefined, injection), 100).of(1)?.window;
  expect(of([6], 12)).toEqual(window(0, 6));
  expect(of([], 3)).toEqual(window(0, 3));
  expect(of([20], 50)).toEqual(window(0, 20));
  expect(of([2], 50)).toEqual(window(2, 50));
});

test("it ends before a step of the data, is said so, and does not change with what comes", () => {
  const all = frames(120, 70);
  const live: Curve[] = [];
  const running = new BaselineInForce(measured(live), 100);
  let settledAt: number | undefined;
  for (const frame of all) {
    live.push(frame);
    const now = running.of(1);
    if (now?.settled === true) settledAt ??= live.length;
    expect(now?.window).toEqual(window(0, settledAt === undefined ? 100 : 70));
    // A reading of the stopped experiment says the same at every moment.
    expect(new BaselineInForce(measured([...live]), 100).of(1)).toEqual(now);
  }
  expect(settledAt).toBeGreaterThan(70);
  expect(settledAt).toBeLessThan(90);
  const found = running.of(1);
  if (found === undefined) throw new Error("there is no baseline");
  expect(found.origin).toBe("step");
  expect(baselineText(found, UTC)).toBe("2026-03-04 10:00:00 to 10:01:10 UTC, ends before a step");
  expect(baselineText(found, new TimeZone("Europe/Berlin"))).toBe(
    "2026-03-04 11:00:00 to 11:01:10 Europe/Berlin, ends before a step",
  );
});

test("frames that are measured late, and in any order, give the same window", () => {
  const all = frames(120, 70);
  const live: Curve[] = [];
  const running = new BaselineInForce(measured(live), 100);
  const late = all.splice(30, 5);
  for (const frame of [...all.slice(0, 50), ...late, ...all.slice(50)]) {
    live.push({ ...frame, outcomeId: live.length + 1 });
    running.of(1);
  }
  expect(running.of(1)?.window).toEqual(window(0, 70));
});

test("a frame that is measured after the baseline was settled is in it, as in a later reading", () => {
  const all = frames(200, 70);
  // Without the first eight frames, what follows is another opening.
  const [late, live] = [all.slice(0, 8), all.slice(8)];
  const running = new BaselineInForce(measured(live), 100);
  expect(running.of(1)).toMatchObject({ window: window(8, 70), settled: true });
  for (const frame of late) live.push({ ...frame, outcomeId: 200 + frame.outcomeId });
  expect(running.of(1)).toEqual(new BaselineInForce(measured(live), 100).of(1));
  expect(running.of(1)?.window).toEqual(window(0, 70));
});

test("a marker before the step ends it, one after the step does not", () => {
  const all = frames(120, 70);
  expect(new BaselineInForce(measured(all, [60]), 100).of(1)).toMatchObject({
    window: window(0, 60),
    origin: "markers",
  });
  expect(new BaselineInForce(measured(all, [75]), 100).of(1)).toMatchObject({ window: window(0, 70), origin: "step" });
});

test("what a person chose counts, unless it ends before the first frame", () => {
  const chosen = window(200, 300);
  const of = (markers: number[], choice: TimeWindow) =>
    new BaselineInForce(measured(frames(120), markers, choice), 100).of(1);
  expect(of([60], chosen)).toMatchObject({ window: chosen, origin: "chosen" });
  expect(of([], window(-50, -10))).toMatchObject({ window: window(0, 100), origin: "opening" });
});

test("it holds the first frame at least, and there is none without frames", () => {
  expect(new BaselineInForce(measured(frames(20)), 1e-9).of(1)?.window).toEqual({ fromUs: FIRST, toUs: FIRST + 1 });
  expect(new BaselineInForce(measured([]), 60).of(1)).toBeUndefined();
});
