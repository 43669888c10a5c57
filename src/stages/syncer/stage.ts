// The syncer stage: copies images, results and other files to the share. Its process copies and verifies; this file records
// verified copies, and only then may a local image be removed. If the share is disconnected, full, read-only or does not
// respond, the stage waits and retries without limit.
import { remotePathOf } from "../../archive/names.ts";
import { unready } from "../../archive/remote.ts";
import { Failure, failureLine } from "../../failure/failure.ts";
import { pictureRoots } from "../../manifest/picture-place.ts";
import type { SetAsideFile } from "../../system/set-aside.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, Schedule, StageContext, StageDefinition } from "../contract/stage-definition.ts";
import { AuxiliaryFiles } from "./auxiliary-files.ts";
import type { SyncerAnswer, SyncerJob, SyncerSettings } from "./messages.ts";
import { PictureCopies } from "./pictures.ts";
import { ShareProcess } from "./share-process.ts";

/** While a backlog of pictures is copied, the auxiliary files are checked this often. */
const AUXILIARY_EVERY_MS = 60_000;

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
  /** Use the share that is mounted, even if it is not the one the experiment knows. */
  readonly acceptRemote?: boolean;
}

export class Syncer implements OpenStage {
  readonly schedule: Schedule;
  /** A disconnected share is not an error that ends a run: the stage waits for it. */
  readonly retry = { failureLimit: Number.POSITIVE_INFINITY };
  readonly #options: SyncerOptions;
  readonly #process: ShareProcess;
  readonly #pictures: PictureCopies;
  readonly #auxiliary: AuxiliaryFiles;
  #auxiliaryDueMs = 0;
  #tookUpMoves = false;
  #passed = false;
  #ready = false;

  constructor(options: SyncerOptions) {
    this.#options = options;
    const { config, manifest, manifestFile, log } = options;
    const { Paths, Sync, Assets, Timing } = config;
    this.schedule = { kind: "demand", atLeastEveryMs: Timing.sync_interval_seconds * 1000, atMostEveryMs: 0 };
    const settings: SyncerSettings = {
      remoteRoot: Paths.remote_root_dir,
      layout: { rootDir: Paths.root_dir, dataDir: Paths.data_dir },
      auxiliaryDirectories: [Paths.results_dir, Paths.backup_dir, Assets.generated_files_dir],
      brightfieldDirectory: Paths.brightfield_dir,
      pictures: pictureRoots(config),
      manifestFile,
      minFreeBytes: config.Storage.min_free_bytes,
      maxBytesPerSecond: Sync.max_bytes_per_second,
      parallel: Sync.parallel,
    };
    const worker = new RemoteWorker<SyncerSettings, SyncerJob, SyncerAnswer>(
      "syncer",
      settings,
      (level, message) => log.log(level, message),
      { apart: true },
    );
    this.#process = new ShareProcess(worker, Paths.remote_root_dir, Sync.timeout_seconds * 1000);
    this.#pictures = new PictureCopies(options, this.#process);
    this.#auxiliary = new AuxiliaryFiles({
      ...{ config, log, rows: manifest.syncing, nowUs: () => options.nowUs() },
      manifestPath: remotePathOf(manifestFile, settings.layout),
      whenFree: (change) => manifest.whenFree(change),
      ask: (job, signal, timeoutMs) => this.#process.askOf(job, signal, timeoutMs),
    });
  }

  /** Copies one batch of images, and the auxiliary files if they are due. Returns true if more is waiting right now. */
  async run(signal: AbortSignal): Promise<boolean> {
    try {
      const remoteId = await this.#bind(signal);
      if (performance.now() >= this.#auxiliaryDueMs) await this.#tryAuxiliaryFiles(remoteId, signal);
      const more = await this.#pictures.copy(remoteId, signal);
      // The auxiliary files are checked again at the beginning of the next pass.
      if (!more) this.#auxiliaryDueMs = 0;
      this.#passed = true;
      return (more || this.#auxiliary.brightfieldLeft) && !signal.aborted;
    } catch (error) {
      this.#ready = false;
      if (signal.aborted) return false;
      if (error instanceof Failure && error.code === "remote.full") this.#auxiliary.shareIsFull();
      throw error instanceof Failure && error.code.startsWith("remote.") ? this.#withBacklog(error) : error;
    }
  }

  /** Adds to the failure what it means for the images. */
  #withBacklog(failure: Failure): Failure {
    const waiting = this.#pictures.progress.waitingText();
    const message = `${failure.message} (${waiting}; no image is lost)`;
    return new Failure(failure.code, message, { retry: "later", cause: failure });
  }

  idle(): boolean {
    return this.#passed && this.#ready && !this.#auxiliary.brightfieldLeft && this.#pictures.areDone;
  }

  note(): string {
    return this.#pictures.progress.note();
  }

  /** Returns the images and other files that could not be copied and were set aside. */
  filesSetAside(): SetAsideFile[] {
    return [...this.#pictures.aside.files(), ...this.#auxiliary.aside.files()];
  }

  /** Copies the report of a run's last frames, as far as the share is available now; a share that hangs leaves time for the rest. */
  async flush(limitMs: number): Promise<void> {
    if (!this.#ready) return;
    const { log } = this.#options;
    const signal = AbortSignal.timeout(Math.round(limitMs / 2));
    try {
      await this.#auxiliary.sync(await this.#bind(signal), signal, false);
    } catch (error) {
      log.warn(`the last report is not on the share yet; the next start copies it: ${failureLine(error)}`);
    }
  }

  close(timeoutMs: number): Promise<void> {
    return this.#process.close(timeoutMs);
  }

  /** Returns the id of the remote; the first usable one becomes the experiment's own. */
  async #bind(signal: AbortSignal): Promise<string> {
    const { config, manifest, log, acceptRemote = false, nowUs } = this.#options;
    const root = config.Paths.remote_root_dir;
    const known = manifest.shares.current();
    const { inspection } = await this.#process.ask(
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

  /** Done once per run: after a crash between the record of a copy and the removal of the image, the image is in both places. */
  async #takeUpMoves(remoteId: string): Promise<void> {
    const { manifest, config } = this.#options;
    if (this.#tookUpMoves || config.Sync.keep_local) return;
    const left = await manifest.whenFree(() => manifest.syncing.takeUpMoves(remoteId));
    this.#tookUpMoves = true;
    if (left > 0)
      this.#options.log.info(`${left} images are here and on the share; verifying the copies, then removing them here`);
  }

  /** A problem on this computer (no room for a snapshot, a report that cannot be read) must not delay the images. */
  async #tryAuxiliaryFiles(remoteId: string, signal: AbortSignal): Promise<void> {
    this.#auxiliaryDueMs = performance.now() + AUXILIARY_EVERY_MS;
    try {
      await this.#auxiliary.sync(remoteId, signal, true);
    } catch (error) {
      if (error instanceof Failure && error.code.startsWith("remote.")) throw error;
      if (!signal.aborted) this.#options.log.warn(`cannot copy results and other files: ${failureLine(error)}`);
    }
  }
}
