// What an output is: where results go. Every output is a folder next to this file and a row in outputs.ts. The runner,
// src/stages/communicator/output-stage.ts, owns what all have in common: the cursor and its commit, wake-ups, retry, the end of a
// run. No output waits for another: each has its own cursor, its own stage and its own thread.
//
// A frame is delivered at least once. The cursor is committed after an output says that what it was given is safe (the file
// flushed, the server's answer Good); a crash in between delivers the same frames again, with the same values and time stamps, so
// an output must tell by entry, ROI and quantity what it has already.
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
  /** Under which the manifest keeps the cursor. */
  readonly name: string;
  /** What makes it look at once, besides its schedule. */
  readonly wakesOn: readonly PipelineEvent[];
  /** It works on while the database is damaged, to tell people of it; it is given no frames then. */
  readonly runsDamaged?: boolean;
  /** Touches no device and starts no thread: that is for the first delivery. */
  open(context: StageContext): Output;
}

/** How far an output has got. */
export interface Position {
  /** The last outcome delivered; Number.MAX_SAFE_INTEGER while the database is damaged. */
  readonly cursor: number;
  /** What the output keeps next to it. */
  readonly state: string | undefined;
  /** Frames measured and not delivered yet. */
  readonly waiting: number;
  /** The run ends: work that is still worth doing must be done now. */
  readonly final: boolean;
}

/** What came of a delivery. */
export interface Delivery {
  /** Everything up to here is safe. */
  readonly cursor: number;
  readonly state: string | undefined;
  /** More is waiting right now. */
  readonly more: boolean;
  /** What ended it early; what was delivered before counts. */
  readonly failure?: FailureData | undefined;
  /** Called once the cursor is committed, and waited for: for the log, and for work that must not delay the commit. */
  noted?(): void | Promise<void>;
}

/** An output at work. */
export interface Output extends Pick<OpenStage, "moved" | "leftUndone" | "close"> {
  readonly schedule: Schedule;
  readonly retry?: Partial<RetryPolicy>;
  /** One step of a few seconds at most, from `at` on; undefined when there is nothing to do. */
  deliver(at: Position): Promise<Delivery | undefined>;
  /** Whether a run with --until-idle need not wait for it; not asked where the end of a run delivers everything. */
  idle?(): boolean;
  /** The end of a run, in place of steps until nothing is waiting. */
  flush?(step: () => Promise<boolean>, limitMs: number): Promise<void>;
}
