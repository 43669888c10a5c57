import { expect, test } from "vitest";
import { JumpDetector } from "../../src/analysis/jump.ts";
import { FLAGS } from "../../src/measurement/method.ts";

const SMALL_ERROR = Float64Array.of(0.1);

function course(positions: readonly number[], standardError = SMALL_ERROR): boolean[] {
  const detector = new JumpDetector(Float64Array.of(Number.NaN));
  return positions.map((position) => {
    const marked = detector.mark(Float64Array.of(position), standardError, Uint8Array.of(FLAGS.saturated));
    expect((marked[0] ?? 0) & FLAGS.saturated).toBe(FLAGS.saturated);
    return ((marked[0] ?? 0) & FLAGS.jumped) !== 0;
  });
}

test("a single frame far off is marked and the next one on the old course is not", () => {
  expect(course([100, 100.1, 140, 100.2])).toEqual([false, false, true, false]);
});

test("a slow curve is never marked", () => {
  expect(course(Array.from({ length: 50 }, (_, i) => 100 + i * 0.5)).includes(true)).toBe(false);
});

test("a lasting step is accepted after three frames", () => {
  expect(course([100, 110, 110.1, 110.2, 110.1, 110])).toEqual([false, true, true, true, false, false]);
});

test("a step within the frame's own doubt is not a jump", () => {
  expect(course([100, 108], Float64Array.of(2))).toEqual([false, false]);
});

test("a frame without a position changes nothing", () => {
  expect(course([100, Number.NaN, 100.5])).toEqual([false, false, false]);
});

test("the course goes on from what an earlier run stored", () => {
  const detector = new JumpDetector(Float64Array.of(100));
  const marked = detector.mark(Float64Array.of(150), SMALL_ERROR, Uint8Array.of(0));
  expect(marked[0]).toBe(FLAGS.jumped);
});
