// The interface of a stage. Every stage is a folder next to this one and a row in stages.ts; the supervisor knows only what is
// defined here. Its group decides when a stage is started and stopped, and what a run that ends by itself waits for.
import type { DarkLevel } from "../../analysis/dark-level.ts";
import type { Place } from "../../archive/directory-identity.ts";
import type { SkippedList } from "../../cameras/skipped-list.ts";
import type { Config } from "../../config/schema.ts";
import type { FailureData } from "../../failure/failure.ts";
import type { StageLog } from "../../log/logger.ts";
import type { StageName } from "../../log/stage-names.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { SetAsideFile } from "../../system/set-aside.ts";
import type { StageReport } from "./stage-report.ts";

/**
 * What a stage does for the experiment. A run that ends stops the groups in this order: no more images, then the frames being
 * measured, then the last deliveries, then the stages that look after the files and the service around the run.
 */
export type StageGroup = "capture" | "measure" | "output" | "storage" | "service";

/**
 * Events in the processing of a frame. An event wakes the stages that wait for it and carries no data; a lost one only costs
 * time.
 */
export type PipelineEvent =
  /** An image was taken and has its row, or will get it. */
  | "captured"
  /** The rows of images that waited for the database were added. */
  | "recorded"
  /** A thread has finished with a frame: another one can be measured. */
  | "freed"
  | "measured"
  | "failed"
  /** An output has passed more frames. */
  | "delivered"
  | "compressed"
  /** Finished frames were deleted from the live tables. */
  | "archived"
  /** There is news about a brightfield image. */
  | "brightfield";

/** A row of the table. */
export interface StageDefinition {
  readonly name: StageName;
  readonly group: StageGroup;
  /** Events that wake it, in addition to its own schedule. */
  readonly wakesOn: readonly PipelineEvent[];
  /** Continues while the database is damaged, because it does not need it, or because it reports the damage to people. */
  readonly runsDamaged?: boolean;
  enabled(config: Config): boolean;
  /** Opens the stage, without touching a device or starting a thread: that is for the first unit of work. */
  open(context: StageContext): OpenStage;
}

/** What the supervisor gives to a stage. */
export interface StageContext {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly place: Place;
  readonly runId: number;
  readonly log: StageLog;
  /** The result of readDarkLevel. */
  readonly darkLevel: DarkLevel | undefined;
  /** Number of captures after which the run stops capturing. */
  readonly frames: number | undefined;
  /** Images in the data directory that could not be added when the run began. */
  readonly skippedAtStart: SkippedList;
  /** Entries whose files a stage is working on: no other stage touches them. */
  readonly filesInUse: Set<number>;
  nowUs(): number;
  /** Throws if the data directory is no longer the one the run began with: then a missing image means nothing. */
  checkPlace(): void;
  happened(event: PipelineEvent, frames?: number): void;
  /** Time until this stage's next unit of work, ms; 0 while one is running or none is planned. */
  untilNextRunMs(): number;
  /** Problem that needs people's attention now, in words; empty if there is none. */
  alarm(): string;
}

/** When a stage runs. All times are monotonic, so changes of the wall clock have no effect. */
export type Schedule =
  /**
   * On a grid that does not drift: start, start + every, ... A missed grid point is skipped and not made up for. `aheadMs`: the
   * work starts this long before its point and waits by itself in a thread whose event loop is not busy.
   */
  | { readonly kind: "cadence"; readonly everyMs: number; readonly aheadMs?: number }
  /** When woken, but at most once per `atMostEveryMs`; without a wake-up, after `atLeastEveryMs`. */
  | { readonly kind: "demand"; readonly atLeastEveryMs: number; readonly atMostEveryMs: number };

/** How long a stage waits after a failure, and when it is shown as faulted. Defaults are in DEFAULT_RETRY. */
export interface RetryPolicy {
  /** First delay after a failure, ms; doubles, with jitter, up to `maxDelayMs`. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Consecutive failures after which the stage is shown as faulted. */
  readonly failureLimit: number;
  /** Delay in ms, by the failure and how often it has failed in a row; replaces the delays above. */
  readonly backOffMs?: (failure: FailureData, failures: number) => number;
  /** Checks every `everyMs` whether a back-off can end early. Must not throw. */
  readonly backOffEnd?: BackOffEnd;
  /** False: a faulted stage stays stopped until the next start, instead of being retried at a slow pace. */
  readonly recover?: boolean;
}

export const DEFAULT_RETRY: RetryPolicy = { firstDelayMs: 1000, maxDelayMs: 60_000, failureLimit: 5 };

/** Checks whether the reason for a back-off is gone. */
interface BackOffEnd {
  readonly everyMs: number;
  isOver(): boolean;
}

/** A condition of a stage that other code acts on. */
export interface StageCondition {
  /**
   * `buffer.full`: more data than [Buffer] allows, and nothing may be removed. `buffer.making_room`: images without another copy
   * are being removed.
   */
  readonly code: "buffer.full" | "buffer.making_room";
  /** Text for people. */
  readonly text: string;
}

/** The state of the last brightfield image, for people; `unavailable`: this run cannot take any. */
export interface BrightfieldState {
  readonly state: "unavailable" | "none" | "asked" | "taking" | "taken" | "failed";
  /** Its path, or why there is none. */
  readonly message: string;
}

/** An open stage. */
export interface OpenStage {
  readonly schedule: Schedule;
  readonly retry?: Partial<RetryPolicy>;
  /** Preparation for the first work, which may take long; retried until it succeeds. A cadence's grid starts after it. */
  prepare?(signal: AbortSignal): Promise<void>;
  /**
   * Does one unit of work, due at `dueMs` of performance.now(); returns true if more is waiting right now. Anything it throws
   * counts as a failure.
   */
  run(signal: AbortSignal, dueMs: number): Promise<boolean>;
  /** Whether it has nothing left to do. A run with --until-idle waits until this is true for all stages. */
  idle(): boolean;
  /** Called at the end of a run, after the last unit of work; should take no longer than `limitMs`. */
  flush?(limitMs: number): Promise<void>;
  /** Closes everything that it has open, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
  /** One-line status while there is no problem; empty for none. */
  note?(): string;
  /** A condition to report although the stage works; its text replaces the note. */
  condition?(): StageCondition | undefined;
  /** Files that could not be handled while others could; shown in `status`. */
  filesSetAside?(): readonly SetAsideFile[];
  /** Called after each change of state, in place of the usual log lines about failures. */
  moved?(report: StageReport<StageName>): void;
  /** Unfinished work of a run that stops now, as text; undefined for none. */
  leftUndone?(): string | undefined;
  /** Brightfield images on request, if the stage takes them. `ask` throws a Failure if none can be taken. */
  readonly brightfield?: { readonly state: BrightfieldState; ask(): void };
}
