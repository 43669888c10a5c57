// Ends a run, group by group and within one time limit: capturing stops; frames in progress are finished; outputs stop, then
// storage and service stages, so that nothing changes any more; the last deliveries are made; then copies and removals that
// waited for them. The next start continues abandoned work.
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFailure, Failure, failureLine } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import type { StageGroup } from "../stages/contract/stage-definition.ts";
import { withDeadline } from "../system/deadline.ts";
import type { RunningStage } from "./stage.ts";

/** A step may take this long even if the limit is used up: closing an idle thread takes less, even on a busy machine. */
const SHORTEST_STEP_MS = 2000;

/** Runs steps that share one time limit. A step that fails or is late is logged, and the next one runs. */
export class Shutdown {
  private readonly limitMs: number;
  private readonly deadlineMs: number;
  private readonly log: StageLog;
  /** Stages whose work did not end in time. */
  private readonly givenUp = new Set<RunningStage>();
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
      const late = () => new Failure("internal", `did not finish within ${(limitMs / 1000).toFixed(1)} s`);
      await withDeadline(step(), limitMs, late);
    } catch (thrown) {
      // Damage of the database was reported already, and causes no hang.
      if (encodeFailure(thrown).code === "manifest.corrupt") return;
      this.clean = false;
      this.log.error(`${what}: ${failureLine(thrown)}`);
    }
  }

  /** Stops all stages and closes what they have open. */
  async endStages(stages: readonly RunningStage[]): Promise<void> {
    const of = (...groups: StageGroup[]) => stages.filter(({ group }) => groups.includes(group));
    await each(of("capture"), (stage) => this.finish(stage, { abandonAfterMs: this.limitMs / 2 }));
    await each(of("measure"), (stage) => this.finish(stage));
    await each(of("output"), (stage) => this.stop(stage));
    // The last report must know which frames were archived.
    await each(of("storage", "service"), (stage) => this.stop(stage));
    await each(of("output"), (stage) => this.flush(stage));
    // The share gets the last report, and images that are reported may be removed.
    await each(of("storage", "service"), async (stage) => {
      await this.flush(stage);
      await this.close(stage);
    });
    await each(of("capture", "measure", "output"), (stage) => this.close(stage));
  }

  /** Closes stages without finishing their work: for a run that does not start, or cannot continue. */
  async closeStages(stages: readonly RunningStage[]): Promise<void> {
    await each(stages, (stage) => this.close(stage));
  }

  /** Waits for the unit of work in progress, and for its follow-up. After `abandonAfterMs`, the unit is told to give up. */
  private async finish(stage: RunningStage, { abandonAfterMs }: { abandonAfterMs?: number } = {}): Promise<void> {
    const { life, name } = stage;
    const abandon =
      abandonAfterMs === undefined ? undefined : setTimeout(() => void life.stop({ abandon: true }), abandonAfterMs);
    await this.attempt(name, () => life.stop());
    clearTimeout(abandon);
    await this.attempt(name, async () => stage.work.flush?.(this.leftMs()));
  }

  /**
   * Stops a stage. Work that takes longer than half of the remaining time is abandoned, together with the thread or process it
   * runs in.
   */
  private async stop(stage: RunningStage): Promise<void> {
    const { life, name } = stage;
    const stopped = life.stop({ abandon: true });
    await this.attempt(name, async () => {
      await Promise.race([stopped, sleep(this.leftMs() / 2, undefined, { ref: false })]);
    });
    if (life.report().state === "stopped") return;
    this.givenUp.add(stage);
    await this.close(stage);
  }

  private async flush(stage: RunningStage): Promise<void> {
    if (this.givenUp.has(stage)) return;
    await this.attempt(stage.name, async () => stage.work.flush?.(this.leftMs() / 2));
  }

  private async close({ life, name, work }: RunningStage): Promise<void> {
    await this.attempt(name, async () => {
      await work.close(this.leftMs());
      await life.stop({ abandon: true });
    });
  }
}

async function each(stages: readonly RunningStage[], act: (stage: RunningStage) => Promise<void>): Promise<void> {
  await Promise.all(stages.map(act));
}
