// The backup stage: at its interval, takes a snapshot and then archives finished history. The thread writes files. The rows of an
// archive are deleted from the live tables here, after the archive is durable and verified.
import { basename } from "node:path";
import { moveOut } from "../../archive/archive-move.ts";
import type { BackupAnswer, BackupJob } from "../../archive/backup.ts";
import { backupTimeMs, newestBackup } from "../../archive/backup-directory.ts";
import type { WrittenArchive } from "../../archive/history.ts";
import type { Config } from "../../config/schema.ts";
import { Failure } from "../../failure/failure.ts";
import { megabytes } from "../../system/byte-size.ts";
import { counted } from "../../system/counted.ts";
import { SetAside } from "../../system/set-aside.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, StageContext, StageDefinition } from "../contract/stage-definition.ts";

/** Hours of data compress at tens of megabytes per second; a thread that is silent for longer hangs. */
const BACKUP_TIMEOUT_MS = 6 * 3_600_000;

export interface BackupStageOptions extends Pick<StageContext, "config" | "manifest" | "log" | "nowUs"> {
  /** Called when frames have left the live tables: the CSV is then rewritten. */
  archived(): void;
}

/** Backs up the experiment and archives finished history. */
export const backup: StageDefinition = {
  name: "backup",
  group: "storage",
  wakesOn: [],
  enabled: ({ Services }) => Services.enable_file_backup,
  open: ({ happened, ...context }) => backupStage({ ...context, archived: () => happened("archived") }),
};

/** Opens the stage. Its thread starts with the first unit of work. */
export function backupStage(options: BackupStageOptions): OpenStage {
  const intervalMs = options.config.Timing.file_backup_interval_seconds * 1000;
  const stage = new Backup(options, intervalMs);
  return {
    schedule: { kind: "demand", atLeastEveryMs: Math.min(intervalMs, LOOK_EVERY_MS), atMostEveryMs: 0 },
    retry: { firstDelayMs: Math.min(intervalMs, 10_000) },
    run: (signal) => stage.run(signal),
    idle: () => stage.idle(),
    note: () => stage.note,
    filesSetAside: () => stage.aside.files(),
    close: (timeoutMs) => stage.close(timeoutMs),
  };
}

const LOOK_EVERY_MS = 60_000;

/** How long the end of a run waits for rows that are being deleted from the database. */
const MOVE_GRACE_MS = 5_000;

class Backup {
  readonly #options: BackupStageOptions;
  readonly #intervalMs: number;
  readonly #thread: RemoteWorker<Config, BackupJob, BackupAnswer>;
  /** Archives that are written, but whose rows are still live. */
  #waiting: WrittenArchive[] = [];
  #resumed = false;
  #snapshotDone = false;
  #failing = false;
  /** When the next backup is due, monotonic ms. */
  #dueMs: number;
  note = "";
  readonly aside = new SetAside<string>();

  constructor(options: BackupStageOptions, intervalMs: number) {
    this.#options = options;
    this.#intervalMs = intervalMs;
    const { config, log } = options;
    this.#thread = new RemoteWorker("backup", config, (level, message) => log.log(level, message));
    // Starting is no reason for a backup: a run that crashes and restarts every minute would push out the good ones.
    const newest = newestBackup(config.Paths.backup_dir, options.nowUs());
    const madeMs = newest === undefined ? undefined : backupTimeMs(newest);
    const neverMs = options.manifest.history.counts().total > 0 ? intervalMs : 0;
    const ageMs = madeMs === undefined ? neverMs : options.nowUs() / 1000 - madeMs;
    this.#dueMs = performance.now() + Math.min(intervalMs, Math.max(0, intervalMs - ageMs));
    if (newest !== undefined) this.note = `last ${newest}`;
  }

  /** A failing backup raises an alarm, but does not keep a run from stopping. */
  idle(): boolean {
    return this.#failing || (this.#resumed && this.#waiting.length === 0 && performance.now() < this.#dueMs);
  }

  /** Does one step: work in progress first, then what is due. Returns true while more is waiting. */
  async run(signal: AbortSignal): Promise<boolean> {
    try {
      const more = await this.#step(signal);
      this.#failing = false;
      return more;
    } catch (error) {
      this.#failing = true;
      throw error;
    }
  }

  async #step(signal: AbortSignal): Promise<boolean> {
    if (!this.#resumed) await this.#resume(signal);
    if (this.#waiting.length > 0) {
      await this.#moveWritten(signal);
      return true;
    }
    if (performance.now() < this.#dueMs) return false;
    await this.#snapshot(signal);
    const more = await this.#archive(signal);
    await this.#moveWritten(signal);
    if (!more) this.#dueMs = performance.now() + this.#intervalMs;
    return more;
  }

  close(timeoutMs: number): Promise<void> {
    return this.#thread.close(timeoutMs);
  }

  async #resume(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const answer = await this.#run({ type: "resume" }, signal);
    if (answer.type !== "resume") throw unexpected(answer);
    for (const name of answer.swept) log.warn(`removed ${name}, which was incomplete when an earlier run ended`);
    for (const problem of answer.damaged)
      log.error(`${problem}: skipped this archive; its frames stay in the database`);
    if (answer.archives.length > 0) log.warn(`completing ${answer.archives.length} archives of an earlier run`);
    this.#waiting = answer.archives;
    this.#resumed = true;
  }

  async #snapshot(signal: AbortSignal): Promise<void> {
    // Several archives in a row need only one snapshot.
    if (this.#snapshotDone) return;
    const { config, log } = this.#options;
    const startedMs = performance.now();
    const answer = await this.#run({ type: "snapshot" }, signal);
    if (answer.type !== "snapshot") throw unexpected(answer);
    const { path, bytes, entries } = answer.snapshot;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    log.info(`wrote the backup ${basename(path)}: ${counted(entries, "frame")}, ${megabytes(bytes)} in ${seconds} s`);
    for (const { name, reason } of answer.snapshot.leftOut) log.warn(`${name} is not in the backup: ${reason}`);
    this.#keepAside(answer.kept);
    for (const name of answer.removed) log.info(`removed the old backup ${name} (Backup.keep = ${config.Backup.keep})`);
    const archived = this.#options.manifest.history.counts().archived;
    this.note = `last ${basename(path)}, ${megabytes(bytes)}${archived > 0 ? `; ${counted(archived, "frame")} in the archive` : ""}`;
    this.#snapshotDone = true;
  }

  /** Sets aside old backups that cannot be removed; each new backup tries again. */
  #keepAside(kept: readonly { readonly name: string; readonly reason: string }[]): void {
    const names = new Set(kept.map(({ name }) => name));
    this.aside.keepOnly((name) => names.has(name));
    for (const { name, reason } of kept) {
      if (this.aside.add(name, name, reason)) this.#options.log.warn(`cannot remove the old backup ${name}: ${reason}`);
    }
  }

  async #archive(signal: AbortSignal): Promise<boolean> {
    const answer = await this.#run({ type: "archive" }, signal);
    if (answer.type !== "archive") throw unexpected(answer);
    if (answer.written !== undefined) this.#waiting.push(answer.written);
    if (!answer.more) this.#snapshotDone = false;
    return answer.more;
  }

  /**
   * Deletes the rows of written archives from the database. The end of a run waits for this: rows that stay would be in the
   * archive and, through the last report, in the CSV too. The next start deletes what a longer move leaves.
   */
  async #moveWritten(signal: AbortSignal): Promise<void> {
    const patient = abortedAfter(signal, MOVE_GRACE_MS);
    for (const archive of [...this.#waiting]) await this.#move(archive, patient);
  }

  async #move(archive: WrittenArchive, signal: AbortSignal): Promise<void> {
    const { config, manifest, log, nowUs } = this.#options;
    const syncing = config.Services.enable_remote_sync;
    const moved = await moveOut(manifest, archive, { syncing, nowUs, signal });
    this.#waiting.shift();
    log.info(`moved ${counted(moved, "frame")} from the database into the archive ${archive.path}`);
    this.#options.archived();
  }

  #run(job: BackupJob, signal: AbortSignal): Promise<BackupAnswer> {
    return this.#thread.run(job, BACKUP_TIMEOUT_MS, signal);
  }
}

/** Returns a signal that is aborted `delayMs` after `signal`. */
function abortedAfter(signal: AbortSignal, delayMs: number): AbortSignal {
  const late = new AbortController();
  const abort = () => void setTimeout(() => late.abort(signal.reason), delayMs).unref();
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return late.signal;
}

function unexpected(answer: BackupAnswer): Failure {
  return new Failure("internal", `the backup thread answered ${answer.type}, which was not requested`, {
    retry: "later",
  });
}
