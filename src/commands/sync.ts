// `phorest sync`: copies everything that is waiting to the share, without a run.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandModule } from "yargs";
import { checkMark, markPlace } from "../archive/directory-identity.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { checkShare } from "../config/share.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import { createLogger, type StageLog } from "../log/logger.ts";
import { type ExperimentLock, experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { LockNotice } from "../manifest/lock-notice.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { Syncer } from "../stages/syncer/stage.ts";
import { backOff } from "../system/back-off.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
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
  describe: "Copy all waiting files to the share and verify the copies",
  builder: (yargs) =>
    yargs
      .option("once", {
        type: "boolean",
        default: false,
        describe: "Stop at the first problem with the share instead of retrying",
      })
      .option("accept-remote", {
        type: "boolean",
        default: false,
        describe: "Use the share that is mounted now, even if the experiment was copied to another share before",
      })
      .example("$0 sync --once", "after a run, or if the share is not always connected"),
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
  /** Files that could not be copied, although others could. */
  readonly refused: readonly SetAsideFile[];
  readonly interrupted: boolean;
}

function takeExperiment({ Paths, Services, Timing }: Config): ExperimentLock {
  const file = join(Paths.data_dir, MANIFEST_FILENAME);
  if (!existsSync(file)) {
    throw new Failure("experiment.unusable", `nothing to copy: there is no experiment in ${Paths.data_dir}`, {
      hint: "start one with `phorest run`, or name another configuration with --config",
    });
  }
  const holder = experimentHolder(Paths.data_dir);
  if (holder === undefined) return lockExperiment(Paths.data_dir);
  const itself = Services.enable_remote_sync
    ? `it copies every ${Timing.sync_interval_seconds} s itself; see \`phorest status\``
    : "it does not copy (Services.enable_remote_sync = false); stop it first";
  throw new Failure(
    "experiment.locked",
    `process ${holder.pid} is running the experiment in ${Paths.data_dir}: ${itself}`,
  );
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
  manifest.lockWait.neverBlockOnLock(Number.POSITIVE_INFINITY, new LockNotice(log, "copying waits until it is free"));
  const stop = new AbortController();
  const patience = new Patience();
  onStopSignal((signal) => {
    if (patience.isOver(signal)) process.exit(INTERRUPTED_TWICE);
    stop.abort();
    manifest.lockWait.endWithin(0);
  });
  try {
    const before = manifest.history.counts().synced;
    await copyAll(syncing, args.once, stop.signal, log);
    const waiting = manifest.syncing.countUnsynced(Number.MAX_SAFE_INTEGER, config.Services.enable_image_compression);
    const { synced } = manifest.history.counts();
    return { waiting, synced: synced - before, refused: syncing.filesSetAside(), interrupted: stop.signal.aborted };
  } finally {
    await syncing.close(config.Supervisor.shutdown_timeout_seconds * 1000);
    manifest.close();
  }
}

/** Copies in batches until nothing is waiting; retries if the share fails, unless `once`. */
async function copyAll(syncing: Syncer, once: boolean, signal: AbortSignal, log: StageLog): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (!(await syncing.run(signal))) return;
      failures = 0;
    } catch (error) {
      if (once || !(error instanceof Failure) || error.retry === "never") throw error;
      failures += 1;
      const delayMs = backOff(FIRST_DELAY_MS, LONGEST_DELAY_MS, failures);
      log.warn(`${failureLine(error)}; retrying in ${Math.round(delayMs / 1000)} s`);
      // A stop request ends the wait early.
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function summaryLine({ waiting, synced, refused, interrupted }: SyncSummary, { Paths }: Config): string {
  const left = waiting > 0 ? `, ${waiting} waiting` : "";
  const broken = refused.length > 0 ? `; ${setAsideText(refused)}` : "";
  return `${interrupted ? "interrupted: " : ""}${counted(synced, "image")} copied to ${Paths.remote_root_dir}${left}${broken}`;
}
