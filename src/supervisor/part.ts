// What a stage brings to the supervisor, beyond capture, measurement and CSV: its name, when it runs, one unit of work,
// and how it ends. A new stage is one file that returns a StagePart and one line in the supervisor's list.
import type { Schedule } from "./stage.ts";

/** Every stage there is, in the order in which people read them: the data's own way. */
export const STAGES = [
  "collector",
  "processor",
  "communicator",
  "opcua",
  "compressor",
  "syncer",
  "retention",
  "backup",
  "health",
] as const;
export type StageName = (typeof STAGES)[number];

export interface StagePart {
  readonly name: StageName;
  readonly schedule: Schedule;
  /** First delay after a failure, ms. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Consecutive failures after which the stage is shown as faulted. */
  readonly failureLimit?: number;
  /** One unit of work; true when more is waiting right now. */
  work(signal: AbortSignal): Promise<boolean>;
  /** Whether nothing is left for it to do. A run with --until-idle wakes the stage until this is true, then ends. */
  idle(): boolean;
  /** What `status` says of it while all is well, in one line; empty for nothing. */
  note?(): string;
  /** The last act of a run, after its last unit of work. */
  flush?(): Promise<void>;
  /** Ends what it holds open, within `timeoutMs`. */
  close?(timeoutMs: number): Promise<void>;
}
