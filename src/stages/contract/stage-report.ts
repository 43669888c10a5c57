// What the outside sees of a stage.
import type { FailureData } from "../../failure/failure.ts";
import type { StageState } from "../../health/stage-states.ts";

export interface StageReport<Name extends string = string> {
  readonly name: Name;
  readonly state: StageState;
  readonly failures: number;
  readonly lastFailure: FailureData | undefined;
  /** Units of work that ended well since the start. */
  readonly passes: number;
  /** Ticks of the cadence at which nothing was begun: the work before took too long, or failed. */
  readonly missedTicks: number;
  /** Monotonic ms of the next run; undefined while running or stopped, or faulted for good. */
  readonly nextRunMs: number | undefined;
}

/** What a person should know of a stage besides its state: its failure, or the ticks it missed; else nothing. */
export function stageDetail({ lastFailure, missedTicks }: StageReport): string {
  const ticks = missedTicks === 1 ? "tick" : "ticks";
  const missed = missedTicks === 0 ? "" : `${missedTicks} ${ticks} missed since the start`;
  return [lastFailure?.message ?? "", missed].filter((part) => part !== "").join("; ");
}
