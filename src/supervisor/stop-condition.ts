// When a run stops by itself: after a number of frames, after a time, or when all work is done.
import type { StageLog } from "../log/logger.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { StageGroup } from "../stages/contract/stage-definition.ts";
import { counted } from "../system/counted.ts";
import type { RunningStage } from "./stage.ts";

/** When a run ends by itself; without any of these it continues until it is stopped. */
export interface StopOptions {
  /** Stop after this many captures. */
  readonly frames?: number;
  /** Stop when nothing is pending or undelivered. */
  readonly untilIdle?: boolean;
  readonly durationMs?: number;
}

/** The state that the decision depends on. */
export interface Watched {
  readonly stages: readonly RunningStage[];
  readonly manifest: Pick<Manifest, "damage">;
  readonly log: StageLog;
  /** Frames captured since the start. */
  captured(): number;
}

export class StopCondition {
  private readonly options: StopOptions;
  private readonly watched: Watched;
  /** What a run with --until-idle last reported to wait for. */
  private waitingFor = "";

  constructor(options: StopOptions, watched: Watched) {
    this.options = options;
    this.watched = watched;
  }

  /** Returns why the run may end now; undefined if it may not. */
  reason(elapsedMs: number): string | undefined {
    const { durationMs, frames, untilIdle } = this.options;
    const { captured, manifest } = this.watched;
    if (durationMs !== undefined && elapsedMs >= durationMs) return "duration reached";
    const capture = this.of("capture");
    const faulted = capture.find((stage) => stateOf(stage) === "faulted");
    if (frames !== undefined && faulted !== undefined) return `the ${faulted.name} is faulted`;
    if (frames !== undefined && captured() >= frames && !untilIdle) return `${counted(frames, "frame")} captured`;
    if (!untilIdle || capture.some((stage) => stateOf(stage) === "running")) return undefined;
    const taken = capture.every(({ work }) => work.idle());
    if (manifest.damage !== undefined && (taken || faulted !== undefined)) return "the database is damaged";
    if (!taken || !this.of("measure").every(({ work }) => work.idle())) return undefined;
    return this.restIdle() ? "idle" : undefined;
  }

  private of(...groups: StageGroup[]): RunningStage[] {
    return this.watched.stages.filter(({ group }) => groups.includes(group));
  }

  /** Whether the stages after measurement have nothing left to do; wakes those that have. */
  private restIdle(): boolean {
    const rest = this.of("output", "storage", "service");
    const busy = rest.filter((stage) => stateOf(stage) === "running" || !stage.work.idle());
    for (const { life } of busy) life.wake();
    this.sayWaiting(busy);
    return busy.length === 0;
  }

  /** Reports what the run is waiting for if all frames are measured but other work keeps failing. */
  private sayWaiting(busy: readonly RunningStage[]): void {
    const held = busy.filter((stage) => ["backing_off", "faulted"].includes(stateOf(stage)));
    if (held.length < busy.length) return;
    const rest = held.map(({ name, life }) => `${name} (${life.report().lastFailure?.message ?? "failed"})`).join(", ");
    if (rest !== "" && rest !== this.waitingFor) {
      const line = `All frames are measured. Still waiting for: ${rest}. Press Ctrl-C to stop now; the next run will finish it`;
      this.watched.log.warn(line);
    }
    this.waitingFor = rest;
  }
}

const stateOf = ({ life }: RunningStage) => life.report().state;
