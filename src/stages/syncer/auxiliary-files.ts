// Copies results, plots, backups, brightfield images and a snapshot of the database to the share, with the syncer's process. A
// file that cannot be copied is set aside; other files do not wait for it.
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AuxiliaryFile, StagedFile } from "../../archive/auxiliary-files.ts";
import { refusalWords } from "../../archive/refusal.ts";
import type { Config } from "../../config/schema.ts";
import { Failure } from "../../failure/failure.ts";
import type { StageLog } from "../../log/logger.ts";
import type { SyncedFile, Syncing as SyncingRows } from "../../manifest/syncing.ts";
import { printable } from "../../system/file-name.ts";
import { SetAside } from "../../system/set-aside.ts";
import type { AnswerTo, SyncerAnswer, SyncerJob } from "./messages.ts";

/** Largest number of brightfield images per step; they are not urgent. */
const BRIGHTFIELD = 16;
const SNAPSHOT_TIMEOUT_MS = 7_200_000;

type Problem = Extract<SyncerAnswer, { type: "problem" }>;

export interface AuxiliaryFilesOptions {
  readonly config: Config;
  readonly rows: SyncingRows;
  /** Makes a change to the rows as soon as no other program has the manifest locked. */
  whenFree<T>(change: () => T): Promise<T>;
  /** Path of the manifest on the share. */
  readonly manifestPath: string;
  readonly log: StageLog;
  nowUs(): number;
  ask<T extends SyncerJob["type"]>(
    job: Extract<SyncerJob, { type: T }>,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<AnswerTo<T>>;
}

export class AuxiliaryFiles {
  readonly aside = new SetAside<string>();
  /** Whether brightfield images are waiting. */
  brightfieldLeft = false;
  readonly #options: AuxiliaryFilesOptions;
  /** Files set aside because the share had no room for them. */
  readonly #noRoom = new Set<string>();
  /** What could not be listed in the last pass. */
  #unlisted = "";

  constructor(options: AuxiliaryFilesOptions) {
    this.#options = options;
  }

  /** Copies what has changed. Throws a Failure if the share or the disk is the problem. */
  async sync(remoteId: string, signal: AbortSignal, withManifest: boolean): Promise<void> {
    const { rows, ask } = this.#options;
    const listing = await ask({ type: "list" }, signal);
    if (listing.type === "problem") throw new Failure("internal", listing.reason, { retry: "later" });
    const { files, brightfield, unlisted } = listing;
    this.#warnUnlisted(unlisted);
    const known = (path: string) => rows.syncedFile(remoteId, path);
    const isDue = (file: AuxiliaryFile) => {
      const copy = known(file.path);
      const isChanged = copy === undefined || copy.bytes !== file.bytes || copy.modifiedAtUs !== file.modifiedAtUs;
      return isChanged && !this.aside.isResting(file.path);
    };
    const there = new Set([...files, ...brightfield].map(({ path }) => path).concat(this.#options.manifestPath));
    this.aside.keepOnly((path) => there.has(path));
    for (const file of files.filter(isDue)) await this.#syncFile(remoteId, file, known(file.path), signal);
    const bright = brightfield.filter((file) => isDue(file) && !rows.fileCopied(file.path, file.bytes));
    for (const file of bright.slice(0, BRIGHTFIELD)) await this.#syncFile(remoteId, file, known(file.path), signal);
    this.brightfieldLeft = bright.length > BRIGHTFIELD;
    if (withManifest) await this.#syncManifest(remoteId, signal);
  }

  /**
   * Called when the share has no room for an image either: then no single file is at fault, and all are tried again with the
   * share.
   */
  shareIsFull(): void {
    for (const path of this.#noRoom) this.aside.remove(path);
    this.#noRoom.clear();
  }

  async #syncManifest(remoteId: string, signal: AbortSignal): Promise<void> {
    const { rows, config, manifestPath, nowUs, ask } = this.#options;
    const lastUs = rows.syncedFile(remoteId, manifestPath)?.syncedAtUs ?? 0;
    if (nowUs() - lastUs < config.Sync.manifest_interval_seconds * 1e6 || this.aside.isResting(manifestPath)) return;
    const answer = await ask({ type: "snapshot" }, signal, SNAPSHOT_TIMEOUT_MS);
    if (answer.type === "problem") throw new Failure("internal", answer.reason, { retry: "later" });
    try {
      await this.#syncFile(remoteId, answer.file, rows.syncedFile(remoteId, manifestPath), signal);
    } finally {
      await rm(answer.file.source, { force: true });
    }
  }

  async #syncFile(
    remoteId: string,
    file: AuxiliaryFile,
    known: SyncedFile | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const problem = await this.#copy(remoteId, file, known, signal);
      if (problem === undefined) this.aside.remove(file.path);
      else this.#setAside(file, problem);
    } catch (error) {
      // The share may have no room for a large file but still have room for images; if not, the images report it.
      if (!(error instanceof Failure) || error.code !== "remote.full") throw error;
      this.#noRoom.add(file.path);
      this.#setAside(file, { type: "problem", kind: "refused", reason: refusalWords("ENOSPC", file.path, file.bytes) });
    }
  }

  /** Copies a file under a temporary name; returns undefined if the copy with its real name was verified and recorded. */
  async #copy(
    remoteId: string,
    file: AuxiliaryFile,
    known: SyncedFile | undefined,
    signal: AbortSignal,
  ): Promise<Problem | undefined> {
    const { rows, whenFree, ask, log, nowUs } = this.#options;
    const answer = await ask({ type: "stage", remoteId, task: { ...file, known } }, signal);
    if (answer.type === "problem") return answer;
    const { path, bytes, modifiedAtUs, sha256 } = answer.staged;
    const named = await this.#name(remoteId, answer.staged, signal);
    if (typeof named !== "string") return named;
    const copy = { remoteId, path, bytes, modifiedAtUs, sha256, remotePath: named, syncedAtUs: nowUs() };
    await whenFree(() => rows.fileSynced(copy));
    if (basename(named) !== basename(path) && known?.remotePath !== named) {
      log.warn(`the share has a ${path} from another program; ours is ${join(dirname(path), basename(named))}`);
    }
    return undefined;
  }

  /** Renames a staged copy to its real name; the manifest records this before it happens. */
  async #name(remoteId: string, staged: StagedFile, signal: AbortSignal): Promise<string | Problem> {
    const { path, remotePath, sha256, replaces } = staged;
    if (staged.partial === undefined) return remotePath;
    const { rows, whenFree, ask } = this.#options;
    await whenFree(() => rows.stageFile({ remoteId, path, remotePath, staged: sha256, standing: replaces }));
    const answer = await ask({ type: "publish", remoteId, staged }, signal);
    return answer.type === "problem" ? answer : answer.remotePath;
  }

  #setAside({ path }: AuxiliaryFile, { kind, reason }: Problem): void {
    const name = printable(path).slice(1, -1);
    // Written to or replaced while it was read: the next pass copies it.
    if (kind === "missing" || kind === "differs") this.#options.log.debug(`${name}: ${reason}; copied later`);
    else if (this.aside.add(path, name, reason)) this.#options.log.warn(`set aside: ${name}: ${reason}`);
  }

  #warnUnlisted(unlisted: readonly { readonly path: string; readonly reason: string }[]): void {
    const lines = unlisted.map(({ path, reason }) => `${path} is not copied: ${reason}`);
    const text = lines.join("\n");
    if (text !== this.#unlisted) for (const line of lines) this.#options.log.warn(line);
    this.#unlisted = text;
  }
}
