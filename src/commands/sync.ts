// `phorest sync`: everything that waits to the remote, without a run.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandModule } from "yargs";
import { checkMark, markPlace } from "../archive/place.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { checkShare } from "../config/share.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import { createLogger, type StageLog } from "../log/logger.ts";
import { type ExperimentLock, experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { LockNotice } from "../manifest/lock-notice.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { Syncer } from "../stages/syncer/stage.ts";
import { wallClockUs } from "../system/clock.ts";
import { type SetAsideFile, setAsideText } from "../system/set-aside.ts";
import { onStopSignal, Patience } from "../system/stop-signals.ts";
import type { GlobalOptions } from "./global.ts";
import { outliveReaders } from "./outputs.ts";

interface SyncArguments extends GlobalOptions {
  once: boolean;
  "accept-remote": boolean;
}

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
const INTERRUPTED_TWICE = 130;
const SOME_FAILED = 3;

export const syncCommand: CommandModule<GlobalOptions, SyncArguments> = {
  command: "sync",
  describe: "Copy everything that waits to the remote share, and verify it there",
  builder: (yargs) =>
    yargs
      .option("once", { type: "boolean", default: false, describe: "Give up at once when the remote fails" })
      .option("accept-remote", {
        type: "boolean",
        default: false,
        describe: "Go on with the share that is mounted now, although the experiment was copied to another one before",
      })
      .example("$0 sync --once", "after a run, or with a share that is only sometimes there"),
  handler: async (args) => {
    const loaded = loadConfig(args.config);
    const { config } = loaded;
    checkShare(loaded);
    const lock = takeExperiment(config);
    outliveReaders();
    const log = createLogger({
      directory: config.Paths.logs_dir,
      level: args["log-level"] ?? "info",
      console: true,
      rotateSeconds: config.Timing.log_file_interval_seconds,
    });
    try {
      const summary = await syncExperiment(config, args, log.stage("syncer"));
      process.stdout.write(args.json ? `${JSON.stringify(summary)}\n` : `${summaryLine(summary, config)}\n`);
      if (summary.interrupted) process.exitCode = 1;
      else if (summary.refused.length > 0) process.exitCode = SOME_FAILED;
    } finally {
      await log.close();
      lock.release();
    }
  },
};

interface SyncSummary {
  readonly waiting: number;
  readonly synced: number;
  /** Pictures and other files that could not be copied, while others could. */
  readonly refused: readonly SetAsideFile[];
  readonly interrupted: boolean;
}

function takeExperiment({ Paths, Services, Timing }: Config): ExperimentLock {
  const file = join(Paths.data_dir, MANIFEST_FILENAME);
  if (!existsSync(file)) {
    throw new Failure("experiment.unusable", `no experiment in ${Paths.data_dir}: nothing to copy`, {
      hint: "`phorest run` starts one; --config names the configuration of another",
    });
  }
  const holder = experimentHolder(Paths.data_dir);
  if (holder === undefined) return lockExperiment(Paths.data_dir);
  const itself = Services.enable_remote_sync
    ? `it copies by itself every ${Timing.sync_interval_seconds} s, \`phorest status\` shows how far it is`
    : "it does not copy (Services.enable_remote_sync = false); stop it first";
  throw new Failure("experiment.locked", `process ${holder.pid} works on ${Paths.data_dir}: ${itself}`);
}

async function syncExperiment(config: Config, args: SyncArguments, log: StageLog): Promise<SyncSummary> {
  const manifestFile = join(config.Paths.data_dir, MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile });
  const mark = markPlace(config.Paths.data_dir);
  const syncing = new Syncer({
    config,
    manifest,
    manifestFile,
    log,
    acceptRemote: args["accept-remote"],
    nowUs: wallClockUs,
    checkPlace: () => checkMark(config.Paths.data_dir, mark),
  });
  manifest.lockWait.neverStandStill(Number.POSITIVE_INFINITY, new LockNotice(log, "copying waits for it"));
  const stop = new AbortController();
  const patience = new Patience();
  onStopSignal((signal) => {
    if (patience.isOver(signal)) process.exit(INTERRUPTED_TWICE);
    stop.abort();
    manifest.lockWait.endWithin(0);
  });
  try {
    const before = manifest.counts().synced;
    await copyAll(syncing, args.once, stop.signal, log);
    const waiting = manifest.syncing.countUnsynced(Number.MAX_SAFE_INTEGER, config.Services.enable_image_compression);
    const { synced } = manifest.counts();
    return { waiting, synced: synced - before, refused: syncing.filesSetAside(), interrupted: stop.signal.aborted };
  } finally {
    await syncing.close(config.Supervisor.shutdown_timeout_seconds * 1000);
    manifest.close();
  }
}

/** Batch after batch until nothing waits; a failing remote is waited for unless `once`. */
async function copyAll(syncing: Syncer, once: boolean, signal: AbortSignal, log: StageLog): Promise<void> {
  let delayMs = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      if (!(await syncing.run(signal))) return;
      delayMs = FIRST_DELAY_MS;
    } catch (error) {
      if (once || !(error instanceof Failure) || error.retry === "never") throw error;
      log.warn(`${failureLine(error)}; trying again in ${Math.round(delayMs / 1000)} s`);
      // Being told to stop is what ends the wait early.
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      delayMs = Math.min(LONGEST_DELAY_MS, delayMs * 2);
    }
  }
}

function summaryLine({ waiting, synced, refused, interrupted }: SyncSummary, { Paths }: Config): string {
  const left = waiting > 0 ? `, ${waiting} wait` : "";
  const broken = refused.length > 0 ? `; ${setAsideText(refused)}` : "";
  return `${interrupted ? "interrupted: " : ""}${synced} pictures copied to ${Paths.remote_root_dir}${left}${broken}`;
}
