// Logs the failures of stages without repetition: the first failure, the faulted state once, changes of the reason, and the
// recovery. Repeated failures are logged less and less often, so that a camera unplugged for a week costs three lines, not
// thousands.

import { lineOf } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import type { StageReport } from "../stages/contract/stage-report.ts";
import { durationText } from "../system/duration-text.ts";

interface OngoingFailure {
  readonly sinceMs: number;
  readonly message: string;
  readonly faulted: boolean;
}

export class FailureLog {
  /** Failing stages, and since when. */
  private readonly ongoing = new Map<string, OngoingFailure>();
  private readonly nowMs: () => number;
  private ending = false;

  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
  }

  /** Called when the run ends: later failures will not be retried in it. */
  end(): void {
    this.ending = true;
  }

  /** Logs what is new about a stage. `recovers`: a faulted stage is retried automatically. */
  note({ name, state, failures, lastFailure, passes }: StageReport, log: StageLog, recovers: boolean): void {
    const known = this.ongoing.get(name);
    if (lastFailure === undefined) {
      if (known === undefined || state !== "waiting" || passes === 0) return;
      this.ongoing.delete(name);
      log.info(`recovered after ${durationText((this.nowMs() - known.sinceMs) / 1000)}`);
      return;
    }
    if (state !== "backing_off" && state !== "faulted") return;
    const { message } = lastFailure;
    const line = lineOf(lastFailure);
    const isKnown = known?.message === message && known.faulted === (state === "faulted");
    const isTime = state === "backing_off" && Number.isInteger(Math.log2(failures));
    if (this.ending) log.warn(`failed while the run ended: ${message}; the next run continues the work`);
    else if (isKnown && !isTime) log.debug(`still failing (${failures}): ${line}`);
    else if (state === "backing_off") log.warn(`failed (${failures}): ${line}; retrying`);
    else {
      const next = recovers ? "retrying every minute" : "not retrying (Retries.recover = false)";
      log.error(`faulted after ${failures} failures: ${line}; ${next}`);
    }
    this.ongoing.set(name, { sinceMs: known?.sinceMs ?? this.nowMs(), message, faulted: state === "faulted" });
  }
}
