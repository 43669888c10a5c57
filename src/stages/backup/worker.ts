// The backup's thread: makes snapshots and archives through read-only connections. The supervisor deletes archived rows from the
// live tables after the archive is durable.

import { type BackupAnswer, type BackupJob, backUp } from "../../archive/backup.ts";
import type { Config } from "../../config/schema.ts";
import { wallClockUs } from "../../system/clock.ts";
import type { JobHandler } from "../../threads/host-loop.ts";
import { lowerPriority } from "../../threads/priority.ts";

export async function open(config: Config): Promise<JobHandler<BackupJob, BackupAnswer>> {
  lowerPriority();
  return {
    run: (job, signal) => backUp(config, job, wallClockUs(), signal),
    close: () => Promise.resolve(),
  };
}
