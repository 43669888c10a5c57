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
  /** Number of scheduled runs that did not take place: the previous one took too long, or failed. */
  readonly missedRuns: number;
  /** Monotonic ms of the next run; undefined while running, stopped, or permanently faulted. */
  readonly nextRunMs: number | undefined;
}

/** Returns what people should know about a stage besides its state: its failure, or the runs it missed; otherwise empty. */
export function stageDetail({ lastFailure, missedRuns }: StageReport): string {
  const runs = missedRuns === 1 ? "scheduled run" : "scheduled runs";
  const missed = missedRuns === 0 ? "" : `${missedRuns} ${runs} missed since the start`;
  return [lastFailure?.message ?? "", missed].filter((part) => part !== "").join("; ");
}
