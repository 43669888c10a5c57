// All stages of a run: opens them, wakes them on events, and closes them together.

import type { Logger } from "../log/logger.ts";
import type { StageName } from "../log/stage-names.ts";
import type { OpenStage, PipelineEvent, StageContext, StageDefinition } from "../stages/contract/stage-definition.ts";
import type { StageReport } from "../stages/contract/stage-report.ts";
import type { DamageWatch } from "./damage-watch.ts";
import { type RunningStage, stageOf } from "./stage.ts";

/** The part of the context that is the same for all stages. */
export type SharedContext = Omit<StageContext, "log" | "untilNextRunMs">;

export interface StageSetOptions {
  readonly log: Logger;
  readonly damage: DamageWatch;
  /** Called after each change of a stage's state. */
  moved(stage: RunningStage, report: StageReport<StageName>): void;
}

export class StageSet {
  readonly #options: StageSetOptions;
  readonly #stages: RunningStage[] = [];
  /** The stages that each event wakes. */
  readonly #wokenBy = new Map<PipelineEvent, RunningStage[]>();

  constructor(options: StageSetOptions) {
    this.#options = options;
  }

  /** The open stages, in the order of the table. It is always the same array, which grows as stages are opened. */
  get all(): readonly RunningStage[] {
    return this.#stages;
  }

  /**
   * Opens those of `definitions` that the configuration enables; starts none yet. If one throws, those opened before are in
   * `all`.
   */
  open(definitions: readonly StageDefinition[], context: SharedContext): void {
    for (const definition of definitions.filter((one) => one.enabled(context.config))) {
      const untilNextRunMs = () => untilNextRun(stage.life.report());
      const log = this.#options.log.stage(definition.name);
      const stage = this.#open(definition, { ...context, log, untilNextRunMs });
      this.#stages.push(stage);
      for (const event of definition.wakesOn) this.#wokenBy.set(event, [...(this.#wokenBy.get(event) ?? []), stage]);
    }
  }

  start(): void {
    for (const { life } of this.#stages) life.start();
  }

  /** Wakes the stages that wait for this event. */
  wake(event: PipelineEvent): void {
    for (const { life } of this.#wokenBy.get(event) ?? []) life.wake();
  }

  reports(): StageReport<StageName>[] {
    return this.#stages.map(({ life }) => life.report());
  }

  /** Returns the stages that are failing now, and why; empty if there are none. */
  failing(): string {
    const ill = this.reports().filter(({ state }) => state === "faulted" || state === "backing_off");
    return ill.map(({ name, lastFailure }) => `${name}: ${lastFailure?.message ?? "failing"}`).join("; ");
  }

  /** Returns a faulted stage, and why; undefined if there is none. */
  faulted(): string | undefined {
    const faulted = this.reports().find((report) => report.state === "faulted");
    return faulted === undefined ? undefined : `${faulted.name}: ${faulted.lastFailure?.message ?? "faulted"}`;
  }

  /** Unfinished work of a run that stops now, as text; undefined for none. */
  leftUndone(): string | undefined {
    return this.#stages.map(({ work }) => work.leftUndone?.()).find((line) => line !== undefined);
  }

  /** The brightfield interface of the stage that takes brightfield images. */
  get brightfield(): NonNullable<OpenStage["brightfield"]> {
    const brightfield = this.#stages.flatMap(({ work }) => work.brightfield ?? [])[0];
    if (brightfield === undefined) throw new Error("no stage takes brightfield images");
    return brightfield;
  }

  /** When the next capture is due, wall clock in ms; undefined if none is planned. */
  nextCaptureMs(): number | undefined {
    const capture = this.#stages.find(({ group }) => group === "capture");
    const nextRunMs = capture?.life.report().nextRunMs;
    return nextRunMs === undefined ? undefined : Date.now() + nextRunMs - performance.now();
  }

  #open({ group, name, open, runsDamaged = false }: StageDefinition, context: StageContext): RunningStage {
    const work = open(context);
    const run: typeof work.run = (signal, dueMs) => work.run(signal, dueMs);
    const moved = (report: StageReport<StageName>) => this.#options.moved(stage, report);
    const guarded = runsDamaged ? run : this.#options.damage.guarded(run);
    const stage = { name, group, work, life: stageOf(name, work, moved, guarded) };
    return stage;
  }
}

function untilNextRun({ state, nextRunMs }: StageReport): number {
  return state === "waiting" && nextRunMs !== undefined ? Math.max(0, nextRunMs - performance.now()) : 0;
}
