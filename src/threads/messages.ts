// The messages between the main thread and any worker: two unions, plain data only. The jobs of each stage are defined in that
// stage's messages.ts.
import type { FailureData } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";

/** Supervisor to thread. */
export type ToThread<Settings, Job> =
  | { readonly type: "open"; readonly settings: Settings }
  | { readonly type: "job"; readonly id: number; readonly job: Job }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "close" };

/** Thread to supervisor. */
export type FromThread<Answer> =
  | { readonly type: "settled"; readonly id: number; readonly answer: Answer }
  | { readonly type: "failed"; readonly id: number; readonly failure: FailureData }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  /** The current job is progressing: restart its time limit. */
  | { readonly type: "progress" }
  | { readonly type: "closed" };
