// The state machine of a stage, as one table. Transitions that are not in the table cannot happen.
//
//              start         wake           settle
//     idle ───────▶ waiting ───────▶ running ───────▶ waiting
//                                     │   ▲
//                                fail │   │ wake
//                                     ▼   │
//                                 backing_off ── exhaust ──▶ faulted ── wake ──▶ running
//
// `faulted` is not final: the stage is shown as broken and is retried at a slow pace, so that a camera that is plugged in again
// days later is used again. `stop` leads to `stopped` from every state except `running`, because a unit of work in progress is
// finished first.
import type { StageState } from "../health/stage-states.ts";

export type StageEvent = "start" | "wake" | "settle" | "fail" | "exhaust" | "stop";

const MOVES: Readonly<Record<StageState, Partial<Record<StageEvent, StageState>>>> = {
  idle: { start: "waiting", stop: "stopped" },
  waiting: { wake: "running", stop: "stopped" },
  running: { settle: "waiting", fail: "backing_off", exhaust: "faulted" },
  backing_off: { wake: "running", stop: "stopped" },
  faulted: { wake: "running", stop: "stopped" },
  stopped: {},
};

/** Returns the state after `event`. Throws if the table does not list the pair, which is a bug. */
export function move(state: StageState, event: StageEvent): StageState {
  const next = MOVES[state][event];
  if (next === undefined) throw new Error(`a stage cannot "${event}" while ${state}`);
  return next;
}
