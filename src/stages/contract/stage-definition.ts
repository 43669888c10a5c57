// What a stage is. Every stage is a folder next to this file and a row in stages.ts; the supervisor knows no more of it than
// what stands here. When stages are started and stopped, and what a run that ends by itself waits for, follows from their group.
import type { DarkLevel } from "../../analysis/dark-level.ts";
import type { Place } from "../../archive/directory-identity.ts";
import type { SkippedList } from "../../cameras/skipped-list.ts";
import type { Config } from "../../config/schema.ts";
import type { FailureData } from "../../failure/failure.ts";
import type { StageName } from "../../log/levels.ts";
import type { StageLog } from "../../log/logger.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { SetAsideFile } from "../../system/set-aside.ts";
import type { StageReport } from "./stage-report.ts";

/**
 * What a stage does for the experiment. A run that ends stops them in this order: no more pictures, then the frames being
 * measured, then the last deliveries, then what looks after the files and the service around it.
 */
export type StageGroup = "capture" | "measure" | "output" | "storage" | "service";

/** What has happened on a frame's way. It wakes the stages that want to look and carries nothing; a lost one costs time. */
export type PipelineEvent =
  /** A picture was taken and has its row, or will have it. */
  | "captured"
  /** Pictures that waited for the database have their rows. */
  | "recorded"
  /** A frame has left its thread: there is room to measure another. */
  | "freed"
  | "measured"
  | "failed"
  /** An output has passed more frames. */
  | "delivered"
  | "compressed"
  /** Finished frames have left the live tables. */
  | "archived"
  /** There is news of a brightfield picture. */
  | "brightfield";

/** A row of the table. */
export interface StageDefinition {
  readonly name: StageName;
  readonly group: StageGroup;
  /** What wakes it, besides its own schedule. */
  readonly wakesOn: readonly PipelineEvent[];
  /** It works on while the database is damaged, because it does without, or tells people of it. */
  readonly runsDamaged?: boolean;
  enabled(config: Config): boolean;
  /** Touches no device and starts no thread: that is for the first unit of work. */
  open(context: StageContext): OpenStage;
}

/** What a stage may use. */
export interface StageContext {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly place: Place;
  readonly runId: number;
  readonly log: StageLog;
  /** By readDarkLevel. */
  readonly darkLevel: DarkLevel | undefined;
  /** Captures after which the run wants no more. */
  readonly frames: number | undefined;
  /** Pictures in the data directory that could not be taken up when the run began. */
  readonly skippedAtStart: SkippedList;
  /** Entries whose files one stage is working on: no other stage touches them. */
  readonly filesInUse: Set<number>;
  nowUs(): number;
  /** Throws while the data directory is not the one the run began with: a missing picture means nothing then. */
  checkPlace(): void;
  happened(event: PipelineEvent, frames?: number): void;
  /** Until this stage's next unit of work, ms; 0 while one is running or none is planned. */
  untilNextRunMs(): number;
  /** What needs a person now, in words; empty when all is well. */
  alarm(): string;
}

/** When a stage runs. All times are monotonic, so that a wall clock set back or forward moves nothing. */
export type Schedule =
  /**
   * On a grid that does not drift: start, start + every, ... A grid point missed is skipped, never made up for. `aheadMs`:
   * the work is begun so long before its point and waits for it by itself, where no busy event loop is in its way.
   */
  | { readonly kind: "cadence"; readonly everyMs: number; readonly aheadMs?: number }
  /** When woken, but at most once per `atMostEveryMs`, and unasked after `atLeastEveryMs`. */
  | { readonly kind: "demand"; readonly atLeastEveryMs: number; readonly atMostEveryMs: number };

/** How long a stage that fails is left in peace, and when it is shown as faulted; what is left out is as in DEFAULT_RETRY. */
export interface RetryPolicy {
  /** First delay after a failure, ms; doubles, with jitter, up to `maxDelayMs`. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Consecutive failures after which the stage is shown as faulted. */
  readonly failureLimit: number;
  /** In place of these delays, ms, by the failure and how many there have been in a row. */
  readonly backOffMs?: (failure: FailureData, failures: number) => number;
  /** What may end a back-off before its time; asked every `everyMs` while it lasts. Must not throw. */
  readonly backOffEnd?: BackOffEnd;
  /** False: a faulted stage stays stopped until the next start, instead of being tried again at a slow pace. */
  readonly recover?: boolean;
}

export const DEFAULT_RETRY: RetryPolicy = { firstDelayMs: 1000, maxDelayMs: 60_000, failureLimit: 5 };

/** Whether the reason for a back-off may be gone. */
interface BackOffEnd {
  readonly everyMs: number;
  isOver(): boolean;
}

/** A condition of a stage that other code acts on. */
export interface StageCondition {
  /** `buffer.full`: more than [Buffer] allows, and nothing may be removed. `buffer.making_room`: the only copies are removed. */
  readonly code: "buffer.full" | "buffer.making_room";
  /** For a person. */
  readonly text: string;
}

/** What became of the last brightfield picture, for people; `unavailable`: this run can take none. */
export interface BrightfieldState {
  readonly state: "unavailable" | "none" | "asked" | "taking" | "taken" | "failed";
  /** Where it is, or why there is none. */
  readonly message: string;
}

/** A stage at work. */
export interface OpenStage {
  readonly schedule: Schedule;
  readonly retry?: Partial<RetryPolicy>;
  /** What the first work needs and may take long; tried until it succeeds. A cadence's grid begins after it. */
  prepare?(signal: AbortSignal): Promise<void>;
  /**
   * One unit of work, due at `dueMs` of performance.now(); true when more is waiting right now. Anything it throws counts as
   * a failure.
   */
  run(signal: AbortSignal, dueMs: number): Promise<boolean>;
  /** Whether nothing is left for it to do. A run with --until-idle waits until this is true of all stages. */
  idle(): boolean;
  /** The last act of a run, after its last unit of work; it should take no longer than `limitMs`. */
  flush?(limitMs: number): Promise<void>;
  /** Ends what it holds open, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
  /** One-line status while there is no problem; empty for none. */
  note?(): string;
  /** A condition to report although the stage works; its text replaces the note. */
  condition?(): StageCondition | undefined;
  /** Files that could not be handled while others could; shown in `status`. */
  filesSetAside?(): readonly SetAsideFile[];
  /** Called after each move of the stage, in place of the usual lines in the log about failures. */
  moved?(report: StageReport<StageName>): void;
  /** Unfinished work of a run that stops now, as text; undefined for none. */
  leftUndone?(): string | undefined;
  /** Brightfield pictures on a person's word, where the stage takes them. `ask` throws a Failure where none can be taken. */
  readonly brightfield?: { readonly state: BrightfieldState; ask(): void };
}
