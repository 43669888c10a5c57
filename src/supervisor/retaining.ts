// The ring buffer: removes the oldest pictures beyond the limits of [Buffer], and only those that nobody needs here any
// more. Each removal is noted before the file is touched and settled after its directory is on the disk, so that a death
// in between is put right at the next start by looking at the file.
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { trimBrightfield } from "../archive/brightfield.ts";
import { remotePathOf } from "../archive/names.ts";
import { chooseRemovals, type Excess, excessOf, excessText } from "../archive/retention.ts";
import type { Config } from "../config/schema.ts";
import { syncDirectory } from "../files.ts";
import type { StageLog } from "../log.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { LocalPicture } from "../manifest/storage.ts";
import type { StagePart } from "./part.ts";
import type { Schedule } from "./stage.ts";

/** Woken after each capture; unasked only as often as this, for what others free or fill. */
const LOOK_EVERY_MS = 60_000;
/** Removed in one go: enough to keep up, few enough not to hold up the thread that writes the manifest. */
const BATCH = 64;
/** How a note begins that a person must hear of; see health.ts. */
export const BUFFER_FULL = "the buffer is full";
const NOTHING_ELSE = "nothing else there may be removed";

export interface RetainingOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly log: StageLog;
  /** Entries that another stage is working on right now. */
  inHand(): ReadonlySet<number>;
  nowUs(): number;
  /** Throws while the data directory is not the one the run began with: a missing picture means nothing then. */
  checkPlace(): void;
  /** How long too much may lie there before that is said. */
  readonly patienceMs?: number;
}

export class Retaining implements StagePart {
  readonly name = "retention";
  readonly schedule: Schedule = { kind: "demand", atLeastEveryMs: LOOK_EVERY_MS, atMostEveryMs: 0 };
  private readonly options: RetainingOptions;
  private removed = { images: 0, bytes: 0 };
  /** Why the last pass left more than the limits allow. */
  private stuck: { readonly reason: string; readonly line: string } | undefined;
  private stuckSinceMs: number | undefined;
  private brightfieldDueMs = 0;
  private excess: Excess = { images: 0, bytes: 0 };

  constructor(options: RetainingOptions) {
    this.options = options;
    const { Buffer, Services } = options.config;
    if (!this.limited || Services.enable_remote_sync) return;
    const limit = Buffer.image_buffer_size > 0 ? `the newest ${Buffer.image_buffer_size}` : "the limits of [Buffer]";
    options.log.warn(
      `no other copy is made (Services.enable_remote_sync = false): measured pictures beyond ${limit} are removed for good; Buffer.image_buffer_size = 0 keeps them all`,
    );
  }

  /** One batch. True when more has to go and can. */
  async work(): Promise<boolean> {
    await this.trimBrightfield();
    this.excess = await this.measure();
    const chosen = this.choose(this.excess);
    if (chosen.length > 0) await this.remove(chosen);
    this.excess = await this.measure();
    const more = this.choose(this.excess).length > 0;
    this.explain(more);
    return more;
  }

  idle(): boolean {
    return !this.limited || this.choose(this.countedExcess()).length === 0;
  }

  note(): string {
    if (this.stuck !== undefined) return this.stuck.line;
    const { images, bytes } = this.removed;
    return images === 0 ? "" : `${images} pictures removed (${(bytes / 1e6).toFixed(1)} MB)`;
  }

  /** The last frames were reported a moment ago: now they may go too. */
  async flush(): Promise<void> {
    while (await this.work());
  }

  /** Whether anything may ever go. Imported where they lie, the pictures are somebody's only ones. */
  private get limited(): boolean {
    const { Buffer, Camera, Services } = this.options.config;
    const { image_buffer_size, max_bytes, min_free_bytes } = Buffer;
    if (Camera.camera_type === "file_importer" && !Services.enable_remote_sync) return false;
    return image_buffer_size > 0 || max_bytes > 0 || min_free_bytes > 0;
  }

  /** With syncing, only what was copied and verified may go. */
  private choose(excess: Excess): LocalPicture[] {
    if (excess.images === 0 && excess.bytes === 0) return [];
    const { config, inHand, manifest } = this.options;
    const synced = config.Services.enable_remote_sync;
    const busy = inHand();
    const candidates = manifest.storage.removable(BATCH + busy.size, synced);
    return chooseRemovals(candidates.filter(({ entryId }) => !busy.has(entryId)).slice(0, BATCH), excess);
  }

  /** By the same rule as pictures: with syncing, only what was copied and verified may go. */
  private async trimBrightfield(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.brightfieldDueMs) return;
    this.brightfieldDueMs = nowMs + LOOK_EVERY_MS;
    const { checkPlace, config, log, manifest } = this.options;
    const { brightfield_dir: directory, root_dir: rootDir, data_dir: dataDir } = config.Paths;
    checkPlace();
    const copied = config.Services.enable_remote_sync
      ? (path: string, bytes: number) => manifest.syncing.fileCopied(remotePathOf(path, { rootDir, dataDir }), bytes)
      : undefined;
    const removed = await trimBrightfield({ directory, keep: config.Brightfield.keep, copied });
    if (removed.length > 0) log.info(`removed the ${removed.length} oldest brightfield pictures, to ${removed.at(-1)}`);
  }

  private async measure(): Promise<Excess> {
    if (!this.limited) return { images: 0, bytes: 0 };
    const disk = await statfs(this.options.config.Paths.data_dir);
    return this.countedExcess(disk.bavail * disk.bsize);
  }

  private countedExcess(freeBytes = Number.POSITIVE_INFINITY): Excess {
    const { config, manifest } = this.options;
    const { image_buffer_size: images, max_bytes: bytes, min_free_bytes } = config.Buffer;
    const counts = manifest.counts();
    const store = { images: counts.localImages, bytes: counts.localBytes, freeBytes };
    return excessOf(store, { images, bytes, freeBytes: min_free_bytes });
  }

  private async remove(pictures: readonly LocalPicture[]): Promise<void> {
    const { checkPlace, config, log, manifest, nowUs } = this.options;
    checkPlace();
    manifest.storage.beginRemoval(
      pictures.map(({ entryId }) => entryId),
      nowUs(),
    );
    const gone: LocalPicture[] = [];
    try {
      for (const picture of pictures) {
        await rm(join(picture.filepath, picture.filename), { force: true });
        checkPlace();
        gone.push(picture);
      }
    } finally {
      if (gone.length > 0) syncDirectory(config.Paths.data_dir);
      const ids = pictures.map(({ entryId }) => entryId);
      manifest.storage.endRemoval(ids.slice(0, gone.length), config.Paths.remote_root_dir, ids.slice(gone.length));
    }
    const bytes = gone.reduce((sum, picture) => sum + (picture.bytes ?? 0), 0);
    this.removed = { images: this.removed.images + gone.length, bytes: this.removed.bytes + bytes };
    const [first] = gone;
    const last = gone.at(-1);
    if (first === undefined || last === undefined) return;
    const names = gone.length === 1 ? first.filename : `${gone.length} pictures, ${first.filename} to ${last.filename}`;
    const copied = config.Services.enable_remote_sync ? "; their copies on the share are verified" : "";
    log.info(`removed ${names} (${(bytes / 1e6).toFixed(1)} MB)${copied}`);
  }

  /** Says once why something could not go, when that lasts, and once when it is over. */
  private explain(more: boolean): void {
    const { config, log, manifest } = this.options;
    const { images, bytes } = this.excess;
    if (more || (images === 0 && bytes === 0)) {
      if (this.stuck !== undefined) log.info("the buffer is within its limits again");
      this.stuck = undefined;
      this.stuckSinceMs = undefined;
      return;
    }
    this.stuckSinceMs ??= performance.now();
    // The frames of the last minute are on their way; only what stays behind is worth a word.
    if (performance.now() - this.stuckSinceMs < (this.options.patienceMs ?? LOOK_EVERY_MS)) return;
    const obstacle = manifest.storage.obstacle(config.Services.enable_remote_sync);
    const why = obstacle === undefined ? NOTHING_ELSE : `${obstacle.filename} and later ones stay: ${obstacle.why}`;
    const line = `${BUFFER_FULL}: ${excessText(this.excess)} beyond the limits of [Buffer]; ${why}`;
    const reason = obstacle?.why ?? NOTHING_ELSE;
    if (this.stuck?.reason !== reason) log.warn(line);
    this.stuck = { reason, line };
  }
}
