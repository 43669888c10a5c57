// When a run that is to end by itself may do so: after so many frames, after a time, or once nothing is left to do.

import type { StageName } from "../health/stage-names.ts";
import type { StageLog } from "../log/logger.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Collector } from "../stages/collector/stage.ts";
import type { Processor } from "../stages/processor/stage.ts";
import type { StagePart } from "../stages/stage-definition.ts";
import type { StageReport } from "./stage.ts";

/** What a run may be told to end at; a run told nothing goes on until it is stopped. */
export interface StopOptions {
  /** Stop after this many captures. */
  readonly frames?: number;
  /** Stop once nothing is pending or undelivered. */
  readonly untilIdle?: boolean;
  readonly durationMs?: number;
}

/** What is looked at. */
export interface Watched {
  readonly collecting: Collector;
  readonly processing: Processor;
  readonly manifest: Manifest;
  readonly parts: readonly StagePart[];
  readonly log: StageLog;
  report(name: StageName): StageReport<StageName>;
  wake(name: StageName): void;
}

export class StopCondition {
  private readonly options: StopOptions;
  private readonly line: Watched;
  /** What a run with --until-idle was last said to wait for. */
  private waitingFor = "";

  constructor(options: StopOptions, line: Watched) {
    this.options = options;
    this.line = line;
  }

  /** Why the run may end now; undefined while it may not. */
  reason(elapsedMs: number): string | undefined {
    const { durationMs, frames, untilIdle } = this.options;
    const { collecting, processing, manifest } = this.line;
    if (durationMs !== undefined && elapsedMs >= durationMs) return "duration reached";
    const collector = this.line.report("collector");
    if (frames !== undefined && collector.state === "faulted") return "the collector is faulted";
    const enough = frames !== undefined && collecting.captured >= frames;
    if (enough && !untilIdle) return `${frames} frames captured`;
    if (!untilIdle || collector.state === "running") return undefined;
    const seen = collector.passes > 0 && !collecting.more;
    const collected = frames === undefined ? seen : enough || collecting.dry;
    if (manifest.damage !== undefined && (collected || collector.state === "faulted")) return "the database is damaged";
    if (!collected || collecting.isRecordingLate || processing.framesInHand > 0) return undefined;
    const { pending, processing: claimed } = manifest.counts();
    // Frames that rest are nothing to wait for: the next run tries them again.
    if (pending > processing.framesResting || claimed > 0) return undefined;
    return this.partsIdle() ? "idle" : undefined;
  }

  /** Whether the other stages have nothing left; those that have are woken, whatever their interval. */
  private partsIdle(): boolean {
    const { parts, report, wake } = this.line;
    const busy = parts.filter((part) => report(part.name).state === "running" || !part.idle());
    for (const part of busy) wake(part.name);
    this.sayWaiting(busy.map(({ name }) => report(name)));
    return busy.length === 0;
  }

  /** Everything is measured, and what is left to do cannot be done: a person who waits for the end should know why. */
  private sayWaiting(busy: readonly StageReport<StageName>[]): void {
    const held = busy.filter(({ state }) => state === "backing_off" || state === "faulted");
    if (held.length < busy.length) return;
    const rest = held.map(({ name, lastFailure }) => `${name} (${lastFailure?.message ?? "failed"})`).join(", ");
    if (rest !== "" && rest !== this.waitingFor) {
      const line = `all frames are measured; the run goes on until this is done too: ${rest}; Ctrl-C ends it now, the next run goes on with it`;
      this.line.log.warn(line);
    }
    this.waitingFor = rest;
  }
}
