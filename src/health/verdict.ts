// The health report as data: the verdict on an experiment and what it rests on.
import type { LogLine } from "../log/tail.ts";
import type { Snapshot } from "./snapshot.ts";

type Verdict = "fine" | "ill" | "none";

export interface HealthReport {
  /** `none`: there is no experiment. */
  readonly verdict: Verdict;
  readonly at: string;
  readonly snapshot: Snapshot;
  /** Next to the alarms: what somebody has been told of and is not over yet, in words, with its beginning. */
  readonly told: readonly { readonly since: string; readonly text: string }[];
  /** Notices that have not arrived yet. */
  readonly undelivered: number;
  readonly log: readonly LogLine[];
}
