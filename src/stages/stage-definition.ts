// What a stage brings to the supervisor, beyond capture, measurement and CSV: its name, when it runs, one unit of work,
// and how it ends. A new stage is one file that returns a StagePart and one line in the supervisor's list.
import type { FailureData } from "../failure/failure.ts";
import type { StageName } from "../health/stage-names.ts";
import { type BackOffEnd, type Schedule, Stage, type StageReport } from "../supervisor/stage.ts";
import type { SetAsideFile } from "../system/set-aside.ts";

/** What a stage says of itself that others act on. */
export interface StageCondition {
  /** `buffer.full`: more than [Buffer] allows, and nothing may be removed. `buffer.making_room`: the only copies are removed. */
  readonly code: "buffer.full" | "buffer.making_room";
  /** For a person. */
  readonly text: string;
}

export interface StagePart {
  readonly name: StageName;
  readonly schedule: Schedule;
  /** First delay after a failure, ms. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Consecutive failures after which the stage is shown as faulted. */
  readonly failureLimit?: number;
  /** In place of the usual delays, ms, by the failure and how many there have been in a row. */
  readonly backOffMs?: (failure: FailureData, failures: number) => number;
  /** What may end a back-off before its time. */
  readonly backOffEnd?: BackOffEnd;
  /** One unit of work; true when more is waiting right now. */
  work(signal: AbortSignal): Promise<boolean>;
  /** Whether nothing is left for it to do. A run with --until-idle wakes the stage until this is true, then ends. */
  idle(): boolean;
  /** What `status` says of it while all is well, in one line; empty for nothing. */
  note?(): string;
  /** What somebody should hear of although the stage works; its text takes the place of the note. */
  condition?(): StageCondition | undefined;
  /** Files that could not be handled while others could; shown in `status`. */
  filesSetAside?(): readonly SetAsideFile[];
  /** Called after each move of the stage, in place of the usual lines in the log about failures. */
  moved?(report: StageReport<StageName>): void;
  /** The last act of a run, after its last unit of work; it should take no longer than `limitMs`. */
  flush?(limitMs: number): Promise<void>;
  /** What a run that ends now leaves undone, in words; undefined for nothing a person need know. */
  leftUndone?(): string | undefined;
  /** Ends what it holds open, within `timeoutMs`. */
  close?(timeoutMs: number): Promise<void>;
}

/** How long a stage that fails is left in peace, and when it is shown as faulted, unless it says otherwise. */
export const PATIENCE = { firstDelayMs: 1000, maxDelayMs: 60_000, failureLimit: 5 } as const;

/** The stage that does a part's work. `moved` hears of each of its moves; `work` is done in place of the part's own. */
export function stageOf(
  part: StagePart,
  moved: (report: StageReport<StageName>) => void,
  work: StagePart["work"] = (signal) => part.work(signal),
): Stage<StageName> {
  return new Stage({
    name: part.name,
    schedule: part.schedule,
    work,
    firstDelayMs: part.firstDelayMs ?? PATIENCE.firstDelayMs,
    maxDelayMs: part.maxDelayMs ?? PATIENCE.maxDelayMs,
    failureLimit: part.failureLimit ?? PATIENCE.failureLimit,
    ...(part.backOffMs === undefined ? {} : { backOffMs: part.backOffMs }),
    ...(part.backOffEnd === undefined ? {} : { backOffEnd: part.backOffEnd }),
    moved,
    now: () => performance.now(),
  });
}
