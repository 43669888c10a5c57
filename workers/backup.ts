// The backup's thread: snapshots and archives, through read-only connections. What leaves the live tables is deleted by
// the supervisor, once the archive is durable.

import { type BackupAnswer, type BackupJob, backUp } from "../src/archive/backup.ts";
import type { Config } from "../src/config/schema.ts";
import { wallClockUs } from "../src/frame/frame.ts";
import { type Station, serve } from "./host.ts";
import { lowerPriority } from "./priority.ts";

async function open(config: Config): Promise<Station<BackupJob, BackupAnswer>> {
  lowerPriority();
  return {
    run: (job, signal) => backUp(config, job, wallClockUs(), signal),
    close: () => Promise.resolve(),
  };
}

serve<Config, BackupJob, BackupAnswer>(open);
