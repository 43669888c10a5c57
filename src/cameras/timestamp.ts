// When a picture was taken, on both clocks at once.
import { monotonicMs } from "../system/clock.ts";

/**
 * Time stamps of captures: the moment `agoUs` before now in whole microseconds, but never twice the same nor backwards
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
 * The moment `exposedAtMs` (monotonic; undefined: now) with the wall clock's time of it. `clock` is that of
 * `captureClock`, so that frames of one source stay in order even if the wall clock jumps.
 */
export function exposureMoment(clock: (agoUs: number) => number, exposedAtMs: number | undefined): ExposureMoment {
  const nowMs = monotonicMs();
  const atMs = exposedAtMs ?? nowMs;
  return { capturedAtUs: clock(Math.max(0, nowMs - atMs) * 1000), exposedAtMs: atMs };
}
