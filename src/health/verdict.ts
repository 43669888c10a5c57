// The health report as data: the verdict on an experiment, and the reasons.
import type { LogLine } from "../log/tail.ts";
import type { Snapshot } from "./snapshot.ts";

type Verdict = "fine" | "ill" | "none";

export interface HealthReport {
  /** `none`: there is no experiment. */
  readonly verdict: Verdict;
  readonly at: string;
  readonly snapshot: Snapshot;
  /** In addition to the alarms: problems that were notified and are not over, in words, with their start. */
  readonly told: readonly { readonly since: string; readonly text: string }[];
  /** Notices that have not been delivered yet. */
  readonly undelivered: number;
  readonly log: readonly LogLine[];
}

/**
 * Returns the verdict in words, with which `phorest health` begins. Alarms that do not count towards it are called minor
 * problems.
 */
export function verdictText({
  verdict,
  snapshot,
}: Pick<HealthReport, "verdict"> & { snapshot: Pick<Snapshot, "alarms"> }): string {
  if (verdict === "none") return "no experiment";
  if (verdict === "ill") return "there are problems";
  return snapshot.alarms.length > 0 ? "only minor problems" : "no problems";
}
