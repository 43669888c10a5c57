// The syncer stage: copies images, results and other files to the share. Its process copies and verifies; this file records
// verified copies, and only then may a local image be removed. If the share is disconnected, full, read-only or does not
// respond, the stage waits and retries without limit.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { remotePathOf } from "../../archive/names.ts";
import type { PictureCopied, PictureTask } from "../../archive/pictures.ts";
import { unready } from "../../archive/remote.ts";
import { decodeFailure, Failure, failureLine } from "../../failure/failure.ts";
import { removePicture } from "../../image/picture-file.ts";
import { pictureRoots } from "../../manifest/picture-place.ts";
import { fileFaultReason, isFileFault } from "../../system/fault-of.ts";
import { printable } from "../../system/file-name.ts";
import { flushDirectory } from "../../system/files.ts";
import { SetAside, type SetAsideFile } from "../../system/set-aside.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, Schedule, StageContext, StageDefinition } from "../contract/stage-definition.ts";
import { type AnswerTo, AuxiliaryFiles } from "./auxiliary-files.ts";
import type { SyncerAnswer, SyncerJob, SyncerSettings } from "./messages.ts";
import { SyncProgress } from "./sync-progress.ts";

/** Pictures handed out at once: a few from the front of the queue, and a few of those captured since. */
const OLDEST = 24;
const NEWEST = 8;
const BATCH_MS = 5000;
/** While a backlog is worked off, the files beside the pictures are looked at this often. */
const SIDE_EVERY_MS = 60_000;
/** How long a cancelled copy may take to let go. */
const GRACE_MS = 2000;

/** Copies to the remote share. */
export const syncer: StageDefinition = {
  name: "syncer",
  group: "storage",
  wakesOn: [],
  enabled: ({ Services }) => Services.enable_remote_sync,
  open: (context) => new Syncer(context),
};

export interface SyncerOptions
  extends Pick<StageContext, "config" | "manifest" | "manifestFile" | "log" | "nowUs" | "checkPlace"> {
  /** Go on with whatever remote is mounted, even if it is not the one the experiment knows. */
  readonly acceptRemote?: boolean;
}

export class Syncer implements OpenStage {
  readonly schedule: Schedule;
  /** A disconnected share is not an error that ends a run: the stage waits for it. */
  readonly retry = { failureLimit: Number.POSITIVE_INFINITY };
  readonly #options: SyncerOptions;
  readonly #process: RemoteWorker<SyncerSettings, SyncerJob, SyncerAnswer>;
  readonly #compressedOnly: boolean;
  /** Pictures that cannot be copied, by entry. */
  readonly #aside = new SetAside<number>();
  readonly #side: AuxiliaryFiles;
  readonly #progress: SyncProgress;
  /** Pictures with a higher id came while this process was at work. */
  #watermark: number;
  #sideDueMs = 0;
  #tookUpMoves = false;
  #passed = false;
  #ready = false;

  constructor(options: SyncerOptions) {
    this.#options = options;
    const { config, manifest, manifestFile, log } = options;
    const { Paths, Sync, Services, Assets, Timing } = config;
    this.schedule = { kind: "demand", atLeastEveryMs: Timing.sync_interval_seconds * 1000, atMostEveryMs: 0 };
    this.#compressedOnly = Services.enable_image_compression;
    this.#watermark = manifest.history.lastEntry()?.entryId ?? 0;
    this.#progress = new SyncProgress(() => manifest.syncing.countUnsynced(COUNTED_UP_TO, this.#compressedOnly));
    const settings: SyncerSettings = {
      remoteRoot: Paths.remote_root_dir,
      layout: { rootDir: Paths.root_dir, dataDir: Paths.data_dir },
      sideDirectories: [Paths.results_dir, Paths.backup_dir, Assets.generated_files_dir],
      brightfieldDirectory: Paths.brightfield_dir,
      pictures: pictureRoots(config),
      manifestFile,
      minFreeBytes: config.Storage.min_free_bytes,
      maxBytesPerSecond: Sync.max_bytes_per_second,
      parallel: Sync.parallel,
    };
    this.#process = new RemoteWorker("syncer", settings, (level, message) => log.log(level, message), { apart: true });
    this.#side = new AuxiliaryFiles({
      ...{ config, log, rows: manifest.syncing, nowUs: () => options.nowUs() },
      manifestPath: this.#place(manifestFile),
      whenFree: (change) => manifest.whenFree(change),
      ask: (job, signal, timeoutMs) => this.#askOf(job, signal, timeoutMs),
    });
  }

  /** One batch of pictures, and the files beside them where they are due. True when more is waiting right now. */
  async run(signal: AbortSignal): Promise<boolean> {
    try {
      const remoteId = await this.#bind(signal);
      if (performance.now() >= this.#sideDueMs) await this.#trySideFiles(remoteId, signal);
      const more = await this.#syncPictures(remoteId, signal);
      // The files beside the pictures are looked at again at the beginning of the next pass.
      if (!more) this.#sideDueMs = 0;
      this.#passed = true;
      return (more || this.#side.brightfieldLeft) && !signal.aborted;
    } catch (error) {
      this.#ready = false;
      if (signal.aborted) return false;
      if (error instanceof Failure && error.code === "remote.full") this.#side.shareIsFull();
      throw error instanceof Failure && error.code.startsWith("remote.") ? this.#comforting(error) : error;
    }
  }

  /** The failure with what it means for the pictures. */
  #comforting(failure: Failure): Failure {
    const waiting = this.#progress.waitingText();
    const message = `${failure.message} (${waiting}; no image is lost)`;
    return new Failure(failure.code, message, { retry: "later", cause: failure });
  }

  idle(): boolean {
    return this.#passed && this.#ready && !this.#side.brightfieldLeft && this.#next().length === 0;
  }

  note(): string {
    return this.#progress.note();
  }

  /** Pictures and other files that could not be copied and rest. */
  filesSetAside(): SetAsideFile[] {
    return [...this.#aside.files(), ...this.#side.aside.files()];
  }

  /** The report of a run's last frames, as far as the share takes it now. */
  async flush(): Promise<void> {
    if (!this.#ready) return;
    const { config, log } = this.#options;
    const signal = AbortSignal.timeout(Math.min(5000, config.Supervisor.shutdown_timeout_seconds * 500));
    try {
      await this.#side.sync(await this.#bind(signal), signal, false);
    } catch (error) {
      log.warn(`the last report is not on the share yet; the next start copies it: ${failureLine(error)}`);
    }
  }

  close(timeoutMs: number): Promise<void> {
    return this.#process.close(Math.min(timeoutMs, GRACE_MS));
  }

  /** The id of the remote; the first one found ready becomes the experiment's own. */
  async #bind(signal: AbortSignal): Promise<string> {
    const { config, manifest, log, acceptRemote = false, nowUs } = this.#options;
    const root = config.Paths.remote_root_dir;
    const known = manifest.shares.current();
    const { inspection } = await this.#ask(
      { type: "inspect", remoteId: acceptRemote ? undefined : known?.remoteId },
      signal,
    );
    const { state, remoteId } = inspection;
    if (state !== "ready" || remoteId === undefined) throw unready(inspection);
    if (known?.remoteId !== remoteId || known.root !== root) {
      await manifest.whenFree(() => manifest.shares.bind({ remoteId, root }, nowUs()));
      log.info(`copying this experiment to ${inspection.words} (id ${remoteId})`);
    } else if (!this.#ready) log.info(`the share is connected: ${inspection.words}`);
    this.#ready = true;
    await this.#takeUpMoves(remoteId);
    return remoteId;
  }

  /** Once: a death between the record of a copy and the removal of the picture left it in both places. */
  async #takeUpMoves(remoteId: string): Promise<void> {
    const { manifest, config } = this.#options;
    if (this.#tookUpMoves || config.Sync.keep_local) return;
    const left = await manifest.whenFree(() => manifest.syncing.takeUpMoves(remoteId));
    this.#tookUpMoves = true;
    if (left > 0)
      this.#options.log.info(`${left} images are here and on the share; verifying the copies, then removing them here`);
  }

  /** The oldest that wait, and the first of those captured meanwhile, so that a long backlog does not hide today's. */
  #next(): PictureTask[] {
    const { syncing } = this.#options.manifest;
    const common = { compressedOnly: this.#compressedOnly, except: this.#aside.resting() };
    const oldest = syncing.unsynced({ ...common, limit: OLDEST });
    const afterEntryId = Math.max(this.#watermark, oldest.at(-1)?.entryId ?? 0);
    const newest = oldest.length < OLDEST ? [] : syncing.unsynced({ ...common, limit: NEWEST, afterEntryId });
    return [...oldest, ...newest].map(({ entryId, filename, filepath, sha256 }) => {
      const source = join(filepath, filename);
      return { entryId, picture: { filepath, filename }, source, sha256, remotePath: this.#place(source) };
    });
  }

  #place(source: string): string {
    const { root_dir: rootDir, data_dir: dataDir } = this.#options.config.Paths;
    return remotePathOf(source, { rootDir, dataDir });
  }

  async #syncPictures(remoteId: string, signal: AbortSignal): Promise<boolean> {
    const tasks = this.#next();
    if (tasks.length === 0) {
      this.#progress.caughtUp();
      return false;
    }
    const { manifest, log, config, nowUs } = this.#options;
    const startedMs = performance.now();
    const { result } = await this.#ask({ type: "pictures", remoteId, tasks, limitMs: BATCH_MS }, signal);
    const byId = new Map(tasks.map((task) => [task.entryId, task]));
    const note = () =>
      result.copied.filter(({ entryId, remotePath, bytes, sha256 }) => {
        const filename = byId.get(entryId)?.picture.filename ?? "";
        return manifest.syncing.markSynced({ entryId, filename, remoteId, remotePath, bytes, sha256 }, nowUs());
      });
    const noted = await manifest.whenFree(() => manifest.together(note));
    for (const { entryId, remotePath } of noted) {
      this.#aside.remove(entryId);
      this.#watermark = Math.max(this.#watermark, entryId);
      if (basename(remotePath) !== basename(byId.get(entryId)?.source ?? "")) {
        log.warn(`the share has another file of this name; the copy is ${remotePath}`, { entry: entryId });
      }
    }
    if (!config.Sync.keep_local) await this.#moveAway(noted);
    for (const { entryId, kind, reason } of result.refused) {
      const source = byId.get(entryId)?.source ?? "";
      if (kind === "missing") this.#options.checkPlace();
      // With its whole directory gone, it is the disk that is missing, and it may come back; or it is back already.
      const lost = kind === "missing" && existsSync(dirname(source)) && !existsSync(source);
      const name = printable(basename(source)).slice(1, -1);
      const isNew = lost || this.#aside.add(entryId, name, reason);
      if (lost) {
        this.#aside.remove(entryId);
        await manifest.whenFree(() => manifest.entries.markMissing(entryId));
      }
      if (isNew) log.error(`${name}: not copied: ${reason}`, { entry: entryId });
    }
    const bytes = noted.reduce((sum, copy) => sum + copy.bytes, 0);
    if (noted.length > 0) log.info(`copied and verified ${noted.length} images`);
    this.#progress.copied(noted.length, bytes, performance.now() - startedMs);
    if (result.failure !== undefined) throw decodeFailure(result.failure);
    return true;
  }

  /** The copies are proven and noted: the local files go, then the rows name the copies. Recovery finishes what dies in between. */
  async #moveAway(copies: readonly PictureCopied[]): Promise<void> {
    const { manifest, config, log, nowUs, checkPlace } = this.#options;
    checkPlace();
    const moved: [entryId: number, remoteFile: string][] = [];
    let failed: unknown;
    for (const { entryId, remotePath } of copies) {
      const remoteFile = join(config.Paths.remote_root_dir, remotePath);
      const local = manifest.syncing.removableFile(entryId, remoteFile);
      if (local === undefined) continue;
      try {
        await removePicture(local.directory, local.filename, local, () => manifest.checkSound());
        moved.push([entryId, remoteFile]);
      } catch (error) {
        if (!(await isFileFault(error, local.directory))) {
          failed = error;
          break;
        }
        const reason = fileFaultReason(error);
        log.warn(`cannot remove ${local.filename}, which is on the share: ${reason}`, { entry: entryId });
      }
    }
    // Also when the disk has failed in between: the rows of those that were removed must name the copies.
    if (moved.length > 0) await flushDirectory(config.Paths.data_dir);
    const note = () => {
      for (const [entryId, remoteFile] of moved) manifest.syncing.markMoved(entryId, remoteFile, nowUs());
    };
    await manifest.whenFree(() => manifest.together(note));
    if (failed !== undefined) throw failed;
  }

  /** Trouble on this side (no room for a snapshot, a report that cannot be read) must not keep the pictures waiting. */
  async #trySideFiles(remoteId: string, signal: AbortSignal): Promise<void> {
    this.#sideDueMs = performance.now() + SIDE_EVERY_MS;
    try {
      await this.#side.sync(remoteId, signal, true);
    } catch (error) {
      if (error instanceof Failure && error.code.startsWith("remote.")) throw error;
      if (!signal.aborted) this.#options.log.warn(`cannot copy results and other files: ${failureLine(error)}`);
    }
  }

  async #ask<T extends SyncerJob["type"]>(
    job: Extract<SyncerJob, { type: T }>,
    signal: AbortSignal,
  ): Promise<Extract<SyncerAnswer, { type: T }>> {
    const answer: SyncerAnswer = await this.#askOf(job, signal);
    if (answer.type === "problem") throw new Error(`asked the syncer to ${job.type}: ${answer.reason}`);
    return answer as Extract<SyncerAnswer, { type: T }>;
  }

  /** The answer to a job, or the problem of the one file it is about. */
  async #askOf<T extends SyncerJob["type"]>(
    job: Extract<SyncerJob, { type: T }>,
    signal: AbortSignal,
    timeoutMs = this.#options.config.Sync.timeout_seconds * 1000,
  ): Promise<AnswerTo<T>> {
    const answer = await this.#process.run(job, timeoutMs, signal, GRACE_MS).catch((error: unknown) => {
      throw this.#silent(error, timeoutMs);
    });
    if (answer.type !== job.type && answer.type !== "problem")
      throw new Error(`asked the syncer to ${job.type}, it answered ${answer.type}`);
    return answer as AnswerTo<T>;
  }

  /** A process that hangs is waiting for the share: report the share, not the process. */
  #silent(error: unknown, timeoutMs: number): unknown {
    if (!(error instanceof Failure) || error.code !== "thread.hanging") return error;
    const root = this.#options.config.Paths.remote_root_dir;
    const words = `the share ${root} has not responded for ${Math.round(timeoutMs / 1000)} s`;
    return new Failure("remote.unavailable", `${words}: check the network and the server; phorest retries`, {
      retry: "later",
      cause: error,
    });
  }
}

/** Beyond this, the status says "more than". */
const COUNTED_UP_TO = 1001;
