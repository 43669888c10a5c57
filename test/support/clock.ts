// A clock that a test advances: code that waits for hours takes no real time, and load does not change the order of events.
import { onTestFinished, vi } from "vitest";

export interface Clock {
  /** ms. */
  now(): number;
  /** Resolves when the clock has advanced by `ms`. */
  wait(ms: number): Promise<void>;
  /** Advances the clock by `ms`; everything due by then happens in order, each at its own time. */
  advance(ms: number): Promise<void>;
}

/** Creates a clock that timers and `performance.now()` follow from now until the end of the test. */
export function fakeClock(): Clock {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  return {
    now: () => performance.now(),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
  };
}
