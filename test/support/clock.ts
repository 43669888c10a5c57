// A clock that a test moves on by itself: what waits for hours waits no real time, and no load changes the order of things.
import { onTestFinished, vi } from "vitest";

export interface Clock {
  /** ms. */
  now(): number;
  /** Resolves when the clock has moved on by `ms`. */
  wait(ms: number): Promise<void>;
  /** Moves the clock on by `ms`; everything that is due by then happens, in order, each at its own time. */
  advance(ms: number): Promise<void>;
}

/** From now until the end of the test, timers and `performance.now()` follow this clock. */
export function fakeClock(): Clock {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  return {
    now: () => performance.now(),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
  };
}
