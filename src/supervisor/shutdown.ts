// How a run ends: capture first, then what is in hand, archiving, the last report, and the stages that look after what is stored;
// all of it within one limit. Whatever is given up goes on where it stood at the next start.
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFailure, Failure, failureLine } from "../failure/failure.ts";
import type { StageName } from "../health/stage-names.ts";
import type { StageLog } from "../log/logger.ts";
import type { Collector } from "../stages/collector/stage.ts";
import type { Communicator } from "../stages/communicator/stage.ts";
import type { Processor } from "../stages/processor/stage.ts";
import type { StagePart } from "../stages/stage-definition.ts";
import { withDeadline } from "../system/deadline.ts";
import type { Stage } from "./stage.ts";

/** A step may have this long even when the limit is used up: most need no more. */
const SHORTEST_STEP_MS = 100;

async function recordRest(collecting: Collector): Promise<void> {
  try {
    await collecting.recordedLate();
  } catch (error) {
    const { message, hint, code, retry } = encodeFailure(error);
    const left = `pictures have no row yet, the next start adds them: ${message}`;
    throw new Failure(code, left, { ...(hint === undefined ? {} : { hint }), retry, cause: error });
  }
}

/** Steps that share one limit. A step that fails or is late is logged, and the next one is taken. */
export class Shutdown {
  private readonly limitMs: number;
  private readonly deadlineMs: number;
  private readonly log: StageLog;
  /** False once a step has failed. */
  clean = true;

  constructor(limitMs: number, log: StageLog) {
    this.limitMs = limitMs;
    this.deadlineMs = performance.now() + limitMs;
    this.log = log;
  }

  leftMs(): number {
    return Math.max(SHORTEST_STEP_MS, this.deadlineMs - performance.now());
  }

  async attempt(what: string, step: () => Promise<void>): Promise<void> {
    try {
      const limitMs = this.leftMs();
      const late = () => new Failure("internal", `not done within ${(limitMs / 1000).toFixed(1)} s`);
      await withDeadline(step(), limitMs, late);
    } catch (thrown) {
      // That the database is damaged was said already, and nothing hangs because of it.
      if (encodeFailure(thrown).code === "manifest.corrupt") return;
      this.clean = false;
      this.log.error(`${what}: ${failureLine(thrown)}`);
    }
  }

  /** Ends all stages and what they hold open. */
  async endStages(work: {
    readonly collecting: Collector;
    readonly processing: Processor;
    readonly delivering: Communicator;
    readonly parts: readonly StagePart[];
    stage(name: StageName): Stage<StageName>;
  }): Promise<void> {
    const { collecting, processing, delivering, parts, stage } = work;
    // The picture in hand is finished; a capture that takes longer than half the limit is given up.
    const abandon = setTimeout(() => void stage("collector").stop({ abandon: true }), this.limitMs / 2);
    await this.attempt("collector", () => stage("collector").stop());
    clearTimeout(abandon);
    await this.attempt("rows of the last pictures", () => recordRest(collecting));
    await this.attempt("processor", () => stage("processor").stop());
    await this.attempt("processor", () => processing.stop(this.leftMs()));
    await this.attempt("communicator", () => stage("communicator").stop());
    // Frames that it archives leave the CSV: the last report must see all of them, and the share gets the last report.
    const [before, after] = [
      parts.filter(({ name }) => name === "backup"),
      parts.filter(({ name }) => name !== "backup"),
    ];
    await Promise.all(before.map((part) => this.endPart(part, stage(part.name))));
    await this.attempt("last report", () => delivering.flush());
    await Promise.all(after.map((part) => this.endPart(part, stage(part.name))));
    await this.attempt("collector", () => collecting.close(this.leftMs()));
    await this.attempt("communicator", () => delivering.close(this.leftMs()));
  }

  /**
   * A copy, an archive or an answer that takes longer than half the time left is given up; it goes on where it stood at the
   * next start.
   */
  private async endPart(part: StagePart, stage: Stage<StageName>): Promise<void> {
    const stopped = stage.stop({ abandon: true });
    await this.attempt(part.name, async () => {
      await Promise.race([stopped, sleep(this.leftMs() / 2, undefined, { ref: false })]);
      if (stage.report().state === "stopped") await part.flush?.(this.leftMs() / 2);
    });
    await this.attempt(part.name, async () => {
      // Whatever is still in hand ends with what it runs in.
      await part.close?.(this.leftMs());
      await stopped;
    });
  }
}
