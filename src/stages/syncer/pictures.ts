// Copies images to the share: chooses the next ones, and records those that were copied and those that could not be.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isGone } from "../../archive/directory-identity.ts";
import { remotePathOf } from "../../archive/names.ts";
import type { PictureCopied, PictureRefused, PictureTask } from "../../archive/pictures.ts";
import { decodeFailure } from "../../failure/failure.ts";
import { removePicture } from "../../image/picture-file.ts";
import { counted } from "../../system/counted.ts";
import { fileFaultReason, isFileFault } from "../../system/fault-of.ts";
import { printable } from "../../system/file-name.ts";
import { flushDirectory } from "../../system/files.ts";
import { SetAside } from "../../system/set-aside.ts";
import type { StageContext } from "../contract/stage-definition.ts";
import type { ShareProcess } from "./share-process.ts";
import { SyncProgress } from "./sync-progress.ts";

/** Images per batch: a few from the front of the queue, and a few of those captured since. */
const OLDEST = 24;
const NEWEST = 8;
const BATCH_MS = 5000;

export class PictureCopies {
  /** Images that cannot be copied, by entry. */
  readonly aside = new SetAside<number>();
  readonly progress: SyncProgress;
  readonly #context: Pick<StageContext, "config" | "manifest" | "log" | "nowUs" | "checkPlace">;
  readonly #process: ShareProcess;
  readonly #compressedOnly: boolean;
  /** Images with a higher id were captured after this process started. */
  #watermark: number;

  constructor(
    context: Pick<StageContext, "config" | "manifest" | "log" | "nowUs" | "checkPlace">,
    process: ShareProcess,
  ) {
    this.#context = context;
    this.#process = process;
    const { config, manifest } = context;
    this.#compressedOnly = config.Services.enable_image_compression;
    this.#watermark = manifest.history.lastEntry()?.entryId ?? 0;
    this.progress = new SyncProgress(() => manifest.syncing.countUnsynced(COUNTED_UP_TO, this.#compressedOnly));
  }

  /** Whether no image waits to be copied, apart from those set aside. */
  get areDone(): boolean {
    return this.#next().length === 0;
  }

  /** Copies one batch and records what was verified. True when more may be waiting. Throws what stopped the batch. */
  async copy(remoteId: string, signal: AbortSignal): Promise<boolean> {
    const tasks = this.#next();
    if (tasks.length === 0) {
      this.progress.caughtUp();
      return false;
    }
    const { manifest, log, config, nowUs } = this.#context;
    const startedMs = performance.now();
    const { result } = await this.#process.ask({ type: "pictures", remoteId, tasks, limitMs: BATCH_MS }, signal);
    const byId = new Map(tasks.map((task) => [task.entryId, task]));
    const note = () =>
      result.copied.filter(({ entryId, remotePath, bytes, sha256 }) => {
        const filename = byId.get(entryId)?.picture.filename ?? "";
        return manifest.syncing.markSynced({ entryId, filename, remoteId, remotePath, bytes, sha256 }, nowUs());
      });
    const noted = await manifest.whenFree(() => manifest.together(note));
    for (const { entryId, remotePath } of noted) {
      this.aside.remove(entryId);
      this.#watermark = Math.max(this.#watermark, entryId);
      if (basename(remotePath) !== basename(byId.get(entryId)?.source ?? "")) {
        log.warn(`the share has another file of this name; the copy is ${remotePath}`, { entry: entryId });
      }
    }
    if (!config.Sync.keep_local) await this.#moveAway(noted);
    await this.#setAside(result.refused, byId);
    const bytes = noted.reduce((sum, copy) => sum + copy.bytes, 0);
    if (noted.length > 0) log.info(`copied and verified ${counted(noted.length, "image")}`);
    this.progress.copied(noted.length, bytes, performance.now() - startedMs);
    if (result.failure !== undefined) throw decodeFailure(result.failure);
    return true;
  }

  /** Marks images whose files are gone as missing, and sets aside others that could not be copied. */
  async #setAside(refused: readonly PictureRefused[], byId: ReadonlyMap<number, PictureTask>): Promise<void> {
    const { manifest, log } = this.#context;
    for (const { entryId, kind, reason } of refused) {
      const source = byId.get(entryId)?.source ?? "";
      // If its whole directory is gone, the disk is missing and may come back, or is back already.
      const lost = kind === "missing" && isGone(source, this.#context.checkPlace) && existsSync(dirname(source));
      const name = printable(basename(source)).slice(1, -1);
      const isNew = lost || this.aside.add(entryId, name, reason);
      if (lost) {
        this.aside.remove(entryId);
        await manifest.whenFree(() => manifest.entries.markMissing(entryId));
      }
      if (isNew) log.error(`${name}: not copied: ${reason}`, { entry: entryId });
    }
  }

  /**
   * Returns the oldest waiting images, and among them the first of those captured meanwhile: recent images are copied despite a long
   * backlog, also where a share is too slow for a whole batch.
   */
  #next(): PictureTask[] {
    const { syncing } = this.#context.manifest;
    const common = { compressedOnly: this.#compressedOnly, except: this.aside.resting() };
    const oldest = syncing.unsynced({ ...common, limit: OLDEST });
    const afterEntryId = Math.max(this.#watermark, oldest.at(-1)?.entryId ?? 0);
    const newest = oldest.length < OLDEST ? [] : syncing.unsynced({ ...common, limit: NEWEST, afterEntryId });
    return batchOf(oldest, newest).map(({ entryId, filename, filepath, sha256 }) => {
      const source = join(filepath, filename);
      return { entryId, picture: { filepath, filename }, source, sha256, remotePath: this.#place(source) };
    });
  }

  /**
   * Removes the local files, after their copies were verified and recorded; then the rows name the copies. Recovery finishes an
   * interruption in between.
   */
  async #moveAway(copies: readonly PictureCopied[]): Promise<void> {
    const { manifest, config, log, nowUs, checkPlace } = this.#context;
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
    // Runs even if the disk has failed in between: the rows of removed files must name the copies.
    if (moved.length > 0) await flushDirectory(config.Paths.data_dir);
    const note = () => {
      for (const [entryId, remoteFile] of moved) manifest.syncing.markMoved(entryId, remoteFile, nowUs());
    };
    await manifest.whenFree(() => manifest.together(note));
    if (failed !== undefined) throw failed;
  }

  #place(source: string): string {
    const { root_dir: rootDir, data_dir: dataDir } = this.#context.config.Paths;
    return remotePathOf(source, { rootDir, dataDir });
  }
}

/** Above this, the status says "more than". */
const COUNTED_UP_TO = 1001;

/** Returns one batch: a recent image behind every few of a backlog. */
export function batchOf<T>(oldest: readonly T[], newest: readonly T[]): T[] {
  const every = OLDEST / NEWEST;
  return oldest.flatMap((image, nth) => {
    const recent = (nth + 1) % every === 0 ? newest[(nth + 1) / every - 1] : undefined;
    return recent === undefined ? [image] : [image, recent];
  });
}
