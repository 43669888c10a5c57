// `phorest backup`: makes one backup now.

import { basename, join } from "node:path";
import type { CommandModule } from "yargs";
import { moveOut } from "../archive/archive-move.ts";
import { backUp } from "../archive/backup.ts";
import type { WrittenArchive } from "../archive/history.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { stepCurrentCsv } from "../outputs/csv/file/current.ts";
import { CSV_OUTPUT, parseCsvState } from "../outputs/csv/file/state.ts";
import { megabytes } from "../system/byte-size.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
import type { GlobalOptions } from "./global.ts";
import { outliveReaders } from "./outputs.ts";
import { stoppable } from "./stoppable.ts";
import { openStored } from "./stored-experiment.ts";

export const backupCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "backup",
  describe: "Make a backup now; if no run is active, also move old finished frames to the archive",
  builder: (yargs) => yargs.example("$0 backup", "write a snapshot into backup/ before you change something"),
  handler: async ({ config: file, json }) => {
    const { config } = loadConfig(file);
    // Opened first, so that nothing is created if there is no experiment.
    openStored(config).close();
    const running = experimentHolder(config.Paths.data_dir) !== undefined;
    outliveReaders();
    await stoppable((signal) => backUpOnce(config, { json, running, signal }));
  },
};

interface Way {
  readonly json: boolean;
  /** A run is active: it makes all changes itself. */
  readonly running: boolean;
  readonly signal: AbortSignal;
}

async function backUpOnce(config: Config, { json, running, signal }: Way): Promise<void> {
  const lock = running ? undefined : lockExperiment(config.Paths.data_dir);
  try {
    const before = lock === undefined ? 0 : await resume(config, signal);
    const taken = await backUp(config, { type: "snapshot" }, wallClockUs(), signal);
    const moved = lock === undefined ? 0 : before + (await archiveFinished(config, signal));
    if (taken.type !== "snapshot") throw new Error(`asked for a snapshot, got ${taken.type}`);
    const { path, bytes, entries, leftOut } = taken.snapshot;
    if (json) {
      const { removed, kept } = taken;
      process.stdout.write(
        `${JSON.stringify({ path, bytes, entries, leftOut, removed, kept, archived: moved, running })}\n`,
      );
      return;
    }
    process.stdout.write(`${path}: ${counted(entries, "frame")}, ${megabytes(bytes)}\n`);
    for (const { name, reason } of leftOut) process.stderr.write(`${name} is not in the backup: ${reason}\n`);
    for (const { name, reason } of taken.kept)
      process.stderr.write(`cannot remove the old backup ${name}: ${reason}\n`);
    for (const name of taken.removed)
      process.stdout.write(`removed the old backup ${name} (Backup.keep = ${config.Backup.keep})\n`);
    if (moved > 0)
      process.stdout.write(`moved ${moved} finished frames to the archive; ${basename(path)} contains them too\n`);
    if (running) process.stderr.write("a run is active; it moves finished frames to the archive itself\n");
  } finally {
    lock?.release();
  }
}

/** Completes an interrupted move to the archive. */
async function resume(config: Config, signal: AbortSignal): Promise<number> {
  const answer = await backUp(config, { type: "resume" }, wallClockUs(), signal);
  if (answer.type !== "resume") throw new Error(`asked to resume, got ${answer.type}`);
  for (const problem of answer.damaged)
    process.stderr.write(`${problem}: archive skipped; its frames stay in the database\n`);
  return await moveAll(config, answer.archives, signal);
}

async function archiveFinished(config: Config, signal: AbortSignal): Promise<number> {
  let moved = 0;
  for (;;) {
    const answer = await backUp(config, { type: "archive" }, wallClockUs(), signal);
    if (answer.type !== "archive") throw new Error(`asked for an archive, got ${answer.type}`);
    if (answer.written !== undefined) moved += await moveAll(config, [answer.written], signal);
    if (!answer.more) return moved;
  }
}

async function moveAll(config: Config, archives: readonly WrittenArchive[], signal: AbortSignal): Promise<number> {
  if (archives.length === 0) return 0;
  const manifest = Manifest.open({ file: join(config.Paths.data_dir, MANIFEST_FILENAME) });
  try {
    const syncing = config.Services.enable_remote_sync;
    let moved = 0;
    for (const archive of archives) moved += await moveOut(manifest, archive, { syncing, nowUs: wallClockUs, signal });
    await csvWithoutArchived(config, manifest);
    return moved;
  } finally {
    manifest.close();
  }
}

/** Like the communicator: updates the file first, then its recorded state. */
async function csvWithoutArchived({ Paths: paths }: Config, manifest: Manifest): Promise<void> {
  for (;;) {
    const recorded = parseCsvState(manifest.outputs.state(CSV_OUTPUT).state);
    if (recorded === undefined) return;
    const archive = manifest.archives.last();
    const { state, upToDate } = await stepCurrentCsv(paths.results_dir, manifest, recorded, { archive });
    manifest.outputs.advance(CSV_OUTPUT, Math.max(state.cursor, recorded.cursor), JSON.stringify(state));
    if (upToDate) return;
  }
}
