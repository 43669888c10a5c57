// The interface of an output, a destination of results. Every output is a folder next to this file and a row in outputs.ts. The
// runner, src/stages/outputs/output-stage.ts, does what all have in common: the cursor and its commit, wake-ups, retries,
// the end of a run. No output waits for another: each has its own cursor and stage.
//
// A frame is delivered at least once. The cursor is committed after an output says that what it was given is safe (the file
// flushed, the server's answer Good). A crash in between delivers the same frames again, with the same values and time stamps, so
// an output must recognise what it has already by entry, ROI and quantity.
import type { FailureData } from "../failure/failure.ts";
import type {
  OpenStage,
  PipelineEvent,
  RetryPolicy,
  Schedule,
  StageContext,
} from "../stages/contract/stage-definition.ts";

/** A row of the table. */
export interface OutputDefinition {
  /** Events that wake it, in addition to its schedule. */
  readonly wakesOn: readonly PipelineEvent[];
  /** Continues while the database is damaged, to report the damage to people; it gets no frames then. */
  readonly runsDamaged?: boolean;
  /** Opens the output, without touching a device or starting a thread: that is for the first delivery. */
  open(context: StageContext): Output;
}

/** How far an output has got. */
export interface Position {
  /** The last outcome delivered; Number.MAX_SAFE_INTEGER while the database is damaged. */
  readonly cursor: number;
  /** State that the output stores with its cursor. */
  readonly state: string | undefined;
  /** Number of frames measured but not delivered yet. */
  readonly waiting: number;
  /** The run is ending: work that is still worth doing must be done now. */
  readonly final: boolean;
}

/** The result of a delivery. */
export interface Delivery {
  /** Everything up to this outcome is safe. */
  readonly cursor: number;
  readonly state: string | undefined;
  /** Whether more is waiting right now. */
  readonly more: boolean;
  /** What ended it early; what was delivered before counts. */
  readonly failure?: FailureData | undefined;
  /** Called and awaited after the cursor is committed: for the log, and for work that must not delay the commit. */
  noted?(): void | Promise<void>;
}

/** An open output. */
export interface Output extends Pick<OpenStage, "moved" | "leftUndone" | "close"> {
  readonly schedule: Schedule;
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Does one step of at most a few seconds, starting at `at`; returns undefined if there is nothing to do. It runs on the main thread:
   * it may wait, but computing for more than a few milliseconds belongs in a thread.
   */
  deliver(at: Position): Promise<Delivery | undefined>;
  /** Whether a run with --until-idle need not wait for it; not asked if the end of a run delivers everything. */
  idle?(): boolean;
  /** Called at the end of a run, instead of steps until nothing is waiting. */
  flush?(step: () => Promise<boolean>, limitMs: number): Promise<void>;
}
