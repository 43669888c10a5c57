// The state of a stage as seen from outside.
import type { FailureData } from "../../failure/failure.ts";
import type { StageState } from "../../health/stage-states.ts";

export interface StageReport<Name extends string = string> {
  readonly name: Name;
  readonly state: StageState;
  readonly failures: number;
  readonly lastFailure: FailureData | undefined;
  /** Number of units of work that succeeded since the start. */
  readonly passes: number;
  /** Number of ticks of the cadence without work: the previous work took too long, or failed. */
  readonly missedTicks: number;
  /** Monotonic ms of the next run; undefined while running, stopped, or permanently faulted. */
  readonly nextRunMs: number | undefined;
}

/** Returns what people should know about a stage besides its state: its failure, or the ticks it missed; otherwise empty. */
export function stageDetail({ lastFailure, missedTicks }: StageReport): string {
  const ticks = missedTicks === 1 ? "tick" : "ticks";
  const missed = missedTicks === 0 ? "" : `${missedTicks} ${ticks} missed since the start`;
  return [lastFailure?.message ?? "", missed].filter((part) => part !== "").join("; ");
}
