// The part of a backup that only reads the experiment: runs in a thread during a run, directly for `phorest backup`.
import { basename, join } from "node:path";
import { roiManifestPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import { unfinishedArchives } from "./archive-move.ts";
import { HISTORY, type Removals, removeOldest, sweepUnfinished } from "./backup-directory.ts";
import { type WrittenArchive, writeHistory } from "./history.ts";
import { type Snapshot, writeSnapshot } from "./snapshot.ts";

export type BackupJob =
  /** After a crash: removes half-built directories and finds unfinished archives. */
  { readonly type: "resume" } | { readonly type: "snapshot" } | { readonly type: "archive" };

/** Plain data, because it is sent between threads. */
export type BackupAnswer =
  | {
      readonly type: "resume";
      readonly swept: string[];
      readonly archives: WrittenArchive[];
      readonly damaged: string[];
    }
  | ({ readonly type: "snapshot"; readonly snapshot: Snapshot } & Removals)
  | { readonly type: "archive"; readonly written: WrittenArchive | undefined; readonly more: boolean };

/** Does one job. Throws as `writeSnapshot` and `writeHistory` do; only reads the experiment's own files. */
export async function backUp(
  config: Config,
  job: BackupJob,
  nowUs: number,
  signal?: AbortSignal,
): Promise<BackupAnswer> {
  const { data_dir: dataDir, backup_dir: backupDir } = config.Paths;
  const manifestFile = join(dataDir, MANIFEST_FILENAME);
  switch (job.type) {
    case "resume": {
      const swept = [...(await sweepUnfinished(backupDir)), ...(await sweepUnfinished(join(backupDir, HISTORY)))];
      return { type: "resume", swept, ...(await unfinishedArchives({ manifestFile, backupDir })) };
    }
    case "snapshot": {
      const snapshot = await writeSnapshot({ config, roiManifestFile: roiManifestPath(config), nowUs, signal });
      const removals = await removeOldest(backupDir, config.Backup.keep, basename(snapshot.path));
      return { type: "snapshot", snapshot, ...removals };
    }
    case "archive": {
      const answer = await writeHistory({
        manifestFile,
        backupDir,
        afterDays: config.Backup.archive_after_days,
        syncing: config.Services.enable_remote_sync,
        nowUs,
        signal,
      });
      return { type: "archive", written: answer?.written, more: answer?.more ?? false };
    }
  }
}
