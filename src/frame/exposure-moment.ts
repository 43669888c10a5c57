// When a picture was taken, on both clocks at once.
import { monotonicMs } from "./frame.ts";

export interface ExposureMoment {
  readonly capturedAtUs: number;
  readonly exposedAtMs: number;
}

/**
 * The moment `exposedAtMs` (monotonic; undefined: now) with the wall clock's time of it. `clock` gives the present in µs
 * and never the same twice; its order is kept, so that frames of one source stay in order even if the wall clock jumps.
 */
export function exposureMoment(clock: () => number, exposedAtMs: number | undefined): ExposureMoment {
  const nowMs = monotonicMs();
  const atMs = exposedAtMs ?? nowMs;
  return { capturedAtUs: Math.round(clock() - Math.max(0, nowMs - atMs) * 1000), exposedAtMs: atMs };
}
