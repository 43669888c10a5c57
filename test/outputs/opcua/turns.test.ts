// A backlog is sent in steps that end at any frame, while more frames are measured: the order of capture holds all the same.
import { expect, test } from "vitest";
import type { Outcome } from "../../../src/manifest/outcomes.ts";
import { turnOf } from "../../../src/outputs/opcua/newest.ts";
import { randomStream } from "../../../src/simulator/noise.ts";

const WINDOW = 16;
const THREADS = 8;
const FRAMES = 400;

/** Outcomes of frames in the order in which they were measured, so many side by side, the last of them first. */
class Backlog {
  readonly outcomes: Outcome[] = [];

  measure(frames: number): void {
    const until = this.outcomes.length + frames;
    while (this.outcomes.length < until) {
      const first = this.outcomes.length;
      const group = Math.min(THREADS, until - first);
      for (let place = group; place > 0; place -= 1) {
        this.outcomes.push({ outcomeId: this.outcomes.length + 1, capturedAtUs: first + place } as Outcome);
      }
    }
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  "in steps that end anywhere, more frames measured after each: every frame once, in the order of capture (%i)",
  (seed) => {
    const random = randomStream(seed);
    const backlog = new Backlog();
    const sent: number[] = [];
    const ahead = new Set<number>();
    let passed = 0;
    const step = () => {
      let left = 1 + Math.floor(random() * 30);
      while (passed < backlog.outcomes.length && left > 0) {
        const window = backlog.outcomes.slice(passed, passed + WINDOW);
        const turn = turnOf(window, ahead, WINDOW).slice(0, left);
        left -= turn.length;
        for (const { outcomeId, capturedAtUs } of turn) {
          sent.push(capturedAtUs);
          ahead.add(outcomeId);
        }
        while (ahead.delete(passed + 1)) passed += 1;
      }
    };
    while (passed < FRAMES) {
      if (backlog.outcomes.length < FRAMES) backlog.measure(10);
      step();
    }
    expect(sent).toEqual(Array.from({ length: FRAMES }, (_, at) => at + 1));
  },
);

test("frames that changed places by more than a window are sent all the same", () => {
  const window = Array.from({ length: WINDOW }, (_, at) => ({ outcomeId: at + 1, capturedAtUs: at }) as Outcome);
  const ahead = new Set([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(turnOf(window, ahead, WINDOW).map(({ outcomeId }) => outcomeId)).toEqual([9]);
});
