// Capture times on the wall clock and the monotonic clock.
import { monotonicMs } from "../system/clock.ts";

/**
 * Returns a function for time stamps of captures: the time `agoUs` before now in whole microseconds, but strictly increasing
 * within one process.
 */
export function captureClock(nowUs: () => number): (agoUs?: number) => number {
  let lastUs = Number.NEGATIVE_INFINITY;
  return (agoUs = 0) => {
    lastUs = Math.max(Math.round(nowUs() - agoUs), lastUs + 1);
    return lastUs;
  };
}

export interface ExposureMoment {
  readonly capturedAtUs: number;
  readonly exposedAtMs: number;
}

/**
 * Returns the time `exposedAtMs` (monotonic; undefined: now) together with its wall-clock time. `clock` comes from
 * `captureClock`, so that frames of one source stay in order even if the wall clock jumps.
 */
export function exposureMoment(clock: (agoUs: number) => number, exposedAtMs: number | undefined): ExposureMoment {
  const nowMs = monotonicMs();
  const atMs = exposedAtMs ?? nowMs;
  return { capturedAtUs: clock(Math.max(0, nowMs - atMs) * 1000), exposedAtMs: atMs };
}
