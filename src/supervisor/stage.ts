// The scheduler of one stage: when to run, what to do when it fails, how to stop. Every stage uses this class; stages differ only
// in their name, their schedule and their unit of work.

import { encodeFailure, type FailureCode, type FailureData } from "../failure/failure.ts";
import type { StageState } from "../health/stage-states.ts";
import type { StageName } from "../log/stage-names.ts";
import {
  DEFAULT_RETRY,
  type OpenStage,
  type RetryPolicy,
  type Schedule,
  type StageGroup,
} from "../stages/contract/stage-definition.ts";
import type { StageReport } from "../stages/contract/stage-report.ts";
import { backOff } from "../system/back-off.ts";
import { LONGEST_TIMER_MS } from "../system/deadline.ts";
import { move, type StageEvent } from "./stage-state.ts";

export interface StageOptions<Name extends string> extends RetryPolicy {
  readonly name: Name;
  readonly schedule: Schedule;
  /**
   * Does one unit of work, due at `dueMs` of the clock. Resolves with true if more is waiting right now. Anything it throws
   * counts as a failure.
   */
  work(signal: AbortSignal, dueMs: number): Promise<boolean>;
  /** Preparation for the first work, which may take long; retried until it succeeds. The grid starts after it. */
  prepare?(signal: AbortSignal): Promise<void>;
  /** Called after each change of state; must not throw. */
  moved(stage: StageReport<Name>): void;
  /** Monotonic clock in ms. */
  now(): number;
}

/** Failures for which a retry cannot help. */
const HOPELESS: ReadonlySet<FailureCode> = new Set(["manifest.corrupt"]);

/** Tolerance for rounding errors, as a fraction of the interval. Times in ms since the start of a process are far more exact. */
const ROUNDING = 1e-6;

export class Stage<Name extends string = string> {
  private readonly options: StageOptions<Name>;
  private readonly abort = new AbortController();
  private state: StageState = "idle";
  private failures = 0;
  private passes = 0;
  private lastFailure: FailureData | undefined;
  private nextRunMs: number | undefined;
  private woken = false;
  /** A point of the cadence's grid; failures and pauses do not move it. */
  private gridMs = 0;
  /** A wake-up before this time does not start work early. */
  private earliestMs = 0;
  private missedRuns = 0;
  /** The tick that the current or last work belongs to. */
  private tickMs = 0;
  /** Whether no attempt has succeeded for that tick yet. */
  private unserved = false;
  private prepared = false;
  private stopping = false;
  private wakeSleeper: (() => void) | undefined;
  private life: Promise<void> | undefined;

  constructor(options: StageOptions<Name>) {
    this.options = options;
  }

  report(): StageReport<Name> {
    const { state, failures, lastFailure, passes, missedRuns, nextRunMs } = this;
    return { name: this.options.name, state, failures, lastFailure, passes, missedRuns, nextRunMs };
  }

  /** Starts the stage; the first unit of work runs at once. */
  start(): void {
    this.apply("start");
    this.life = this.live();
  }

  /** Tells the stage that there may be work. Never shortens a back-off, because a broken device needs the pause. */
  wake(): void {
    this.woken = true;
    if (this.state === "waiting") this.wakeSleeper?.();
  }

  /** Accepts no new work; resolves when the unit in progress is done. `abandon` also aborts the unit in progress. */
  async stop(options: { abandon?: boolean } = {}): Promise<void> {
    this.stopping = true;
    if (options.abandon) this.abort.abort();
    this.wakeSleeper?.();
    if (this.life === undefined && this.state === "idle") this.apply("stop");
    await this.life;
  }

  private async live(): Promise<void> {
    let dueMs = this.options.now();
    this.gridMs = dueMs;
    this.tickMs = dueMs;
    while (!this.stopping) {
      await this.sleepUntil(dueMs);
      if (this.stopping) break;
      this.woken = false;
      this.apply("wake");
      this.beginTick(dueMs);
      const startedMs = this.options.now();
      dueMs = await this.runOnce(startedMs, dueMs);
    }
    this.nextRunMs = undefined;
    this.apply("stop");
  }

  /** Runs the unit of work; returns when the next one is due. */
  private async runOnce(startedMs: number, plannedMs: number): Promise<number> {
    const { schedule, failureLimit } = this.options;
    try {
      const workDueMs = await this.begin(plannedMs);
      const more = await this.options.work(this.abort.signal, workDueMs);
      this.unserved = false;
      this.failures = 0;
      this.lastFailure = undefined;
      this.passes += 1;
      this.apply("settle");
      if (schedule.kind === "cadence") {
        const nowMs = this.options.now();
        // Work that starts ahead of its grid point may end before it, and must not run again for the same point.
        const doneMs = Math.max(nowMs, workDueMs + ROUNDING * schedule.everyMs);
        return more ? nowMs : nextOnGrid(this.gridMs, schedule.everyMs, doneMs);
      }
      const earliestMs = startedMs + schedule.atMostEveryMs;
      if (more || this.woken) return earliestMs;
      this.earliestMs = earliestMs;
      return startedMs + schedule.atLeastEveryMs;
    } catch (thrown) {
      this.failures += 1;
      this.lastFailure = encodeFailure(thrown);
      const exhausted = this.failures >= failureLimit || HOPELESS.has(this.lastFailure.code);
      this.apply(exhausted ? "exhaust" : "fail");
      if (exhausted && this.options.recover === false) return Number.POSITIVE_INFINITY;
      return this.options.now() + this.delayMs(exhausted, this.lastFailure);
    }
  }

  /** Prepares before the first work, and starts the grid after that. Returns when the work is due. */
  private async begin(plannedMs: number): Promise<number> {
    const { prepare, now } = this.options;
    if (this.prepared || prepare === undefined) return plannedMs;
    await prepare(this.abort.signal);
    this.prepared = true;
    this.gridMs = now() + this.aheadMs;
    this.tickMs = this.gridMs;
    return this.gridMs;
  }

  private get aheadMs(): number {
    const { schedule } = this.options;
    return schedule.kind === "cadence" ? (schedule.aheadMs ?? 0) : 0;
  }

  /** Determines the tick that work planned for `plannedMs` belongs to, and counts the ticks that passed without any. */
  private beginTick(plannedMs: number): void {
    const { schedule } = this.options;
    if (schedule.kind !== "cadence") return;
    // Rounding may put a grid point slightly before its exact time; it still counts as that point.
    const later = Math.floor((plannedMs - this.tickMs) / schedule.everyMs + ROUNDING);
    // Back-offs and long work skip whole ticks. A tick for which every attempt failed counts as missed too.
    if (later > 0) this.missedRuns += later - 1 + (this.unserved ? 1 : 0);
    this.tickMs += Math.max(0, later) * schedule.everyMs;
    this.unserved = true;
  }

  /** Returns the back-off: exponential, with up to 25 % jitter, so that several instruments on one share do not retry in step. */
  private delayMs(exhausted: boolean, failure: FailureData): number {
    const { firstDelayMs, maxDelayMs, backOffMs } = this.options;
    if (backOffMs !== undefined) return backOffMs(failure, this.failures);
    if (exhausted) return maxDelayMs;
    return backOff(firstDelayMs, maxDelayMs, this.failures) * (1 + 0.25 * Math.random());
  }

  private async sleepUntil(dueMs: number): Promise<void> {
    let untilMs = dueMs;
    for (;;) {
      if (this.stopping) return;
      const wakeable = this.state === "waiting" && this.options.schedule.kind === "demand";
      if (wakeable && this.woken) untilMs = Math.min(untilMs, this.earliestMs);
      this.nextRunMs = Number.isFinite(untilMs) ? untilMs : undefined;
      const leftMs = untilMs - this.aheadMs - this.options.now();
      if (leftMs <= 0) return;
      const backOffEnd = this.state === "backing_off" ? this.options.backOffEnd : undefined;
      if (backOffEnd?.isOver() === true) return;
      await new Promise<void>((resolve) => {
        // A timer has a maximum, so a longer wait is split.
        const timer = setTimeout(resolve, Math.min(leftMs, backOffEnd?.everyMs ?? LONGEST_TIMER_MS, LONGEST_TIMER_MS));
        this.wakeSleeper = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wakeSleeper = undefined;
    }
  }

  private apply(event: StageEvent): void {
    this.state = move(this.state, event);
    if (this.state === "running") this.nextRunMs = undefined;
    this.options.moved(this.report());
  }
}

/** Returns the first point after `nowMs` of the grid through `gridMs`. */
export function nextOnGrid(gridMs: number, everyMs: number, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs - gridMs) / everyMs));
  return gridMs + (missed + 1) * everyMs;
}

/** A stage of a run: its work, and its scheduler. */
export interface RunningStage {
  readonly name: StageName;
  readonly group: StageGroup;
  readonly work: OpenStage;
  readonly life: Stage<StageName>;
}

/** Returns the scheduler of an open stage. `moved` is called after each change of its state; `run` replaces the stage's own. */
export function stageOf<Name extends string>(
  name: Name,
  open: Pick<OpenStage, "schedule" | "retry" | "prepare" | "run">,
  moved: (report: StageReport<Name>) => void,
  run: OpenStage["run"] = (signal, dueMs) => open.run(signal, dueMs),
): Stage<Name> {
  return new Stage({
    name,
    schedule: open.schedule,
    work: run,
    ...(open.prepare === undefined ? {} : { prepare: (signal) => open.prepare?.(signal) ?? Promise.resolve() }),
    ...DEFAULT_RETRY,
    ...open.retry,
    moved,
    now: () => performance.now(),
  });
}
