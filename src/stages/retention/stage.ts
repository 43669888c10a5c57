// The ring buffer: removes the oldest images beyond the limits of [Buffer] if they are measured and delivered, or have a verified
// copy. Each removal is recorded before the file is removed and completed after the directory is on the disk, so that a start
// after a crash can complete it.
//
// An image that cannot be removed is set aside, and others are removed instead. src/manifest/storage.ts decides which images
// may be removed.
import { keptFreeBytes } from "../../archive/free-space.ts";
import { chooseRemovals, type Excess, excessOf, excessText, isNothing } from "../../archive/retention.ts";
import { capabilitiesOf } from "../../cameras/camera.ts";
import { failureLine } from "../../failure/failure.ts";
import { removePicture } from "../../image/picture-file.ts";
import type { LocalPicture } from "../../manifest/storage.ts";
import { gigabytes, megabytes } from "../../system/byte-size.ts";
import { counted } from "../../system/counted.ts";
import { type DiskSpace, diskSpace } from "../../system/disk-space.ts";
import { isFileFault } from "../../system/fault-of.ts";
import { syncDirectory } from "../../system/files.ts";
import { SetAside, type SetAsideFile } from "../../system/set-aside.ts";
import type {
  OpenStage,
  Schedule,
  StageCondition,
  StageContext,
  StageDefinition,
} from "../contract/stage-definition.ts";
import { BrightfieldRetention } from "./brightfield.ts";

/**
 * The stage is woken when an output has advanced; without that, it checks this often whether others have freed or filled the
 * disk.
 */
const LOOK_EVERY_MS = 60_000;
/** Removed at a time: enough to keep up, few enough not to block the thread that writes the manifest. */
const BATCH = 64;
/** If the free space exceeds the limit by this factor, images are no longer removed to make room. */
const ROOM_AGAIN = 1.05;

/** The ring buffer. */
export const retention: StageDefinition = {
  name: "retention",
  group: "storage",
  wakesOn: ["delivered", "compressed"],
  enabled: () => true,
  open: (context) => new Retention(context),
};

export interface RetentionOptions extends Pick<StageContext, "config" | "manifest" | "log" | "nowUs" | "checkPlace"> {
  /** Entries that another stage is working on right now. */
  readonly filesInUse: ReadonlySet<number>;
  /** How long the limits may be exceeded before this is reported. */
  readonly patienceMs?: number;
  /** The disk of the data directory; undefined if its size is unknown. Tests replace it. */
  space?(): DiskSpace | undefined;
}

export class Retention implements OpenStage {
  readonly schedule: Schedule = { kind: "demand", atLeastEveryMs: LOOK_EVERY_MS, atMostEveryMs: 0 };
  private readonly options: RetentionOptions;
  private readonly setAside = new SetAside<number>();
  private readonly brightfieldImages: BrightfieldRetention;
  private removed = { images: 0, bytes: 0 };
  /** Why the last pass left more than the limits allow. */
  private stuck: { readonly reason: string; readonly line: string } | undefined;
  private stuckSinceMs: number | undefined;
  private excess: Excess = { images: 0, bytes: 0, room: 0 };
  /** Whether the disk is nearly full and images without another copy are being removed. */
  private makingRoom: boolean;

  constructor(options: RetentionOptions) {
    this.options = options;
    this.brightfieldImages = new BrightfieldRetention(options, LOOK_EVERY_MS, this.lastCheck);
    const before = options.manifest.heartbeats.all().find(({ stage }) => stage === retention.name);
    // An earlier run may have begun to make room: it was reported then and is not reported again.
    this.makingRoom = before?.code === "buffer.making_room";
    this.announce();
  }

  /** Removes one batch. Returns true if more should be removed and can be. */
  async run(): Promise<boolean> {
    await this.brightfieldImages.trim();
    this.measure();
    if (this.choose(this.excess).length > 0) {
      const { manifest } = this.options;
      // Waits before images are chosen: while another program has the manifest locked, other stages go on using them.
      await manifest.whenFree(() => manifest.together(() => undefined));
      await this.remove(this.choose(this.excess));
    }
    this.measure();
    const more = this.choose(this.excess).length > 0;
    this.explain(more);
    return more;
  }

  idle(): boolean {
    return !this.limited || this.choose(this.countedExcess(undefined)).length === 0;
  }

  note(): string {
    const condition = this.condition();
    if (condition !== undefined) return condition.text;
    const { images, bytes } = this.removed;
    const removed = images === 0 ? [] : [`${counted(images, "image")} removed (${megabytes(bytes)})`];
    return removed.join("; ");
  }

  filesSetAside(): readonly SetAsideFile[] {
    return [...this.setAside.files(), ...this.brightfieldImages.aside.files()];
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  condition(): StageCondition | undefined {
    if (this.stuck !== undefined) return { code: "buffer.full", text: this.stuck.line };
    if (!this.makingRoom) return undefined;
    const since = this.removed.images === 0 ? "" : `; ${this.removed.images} removed in this run`;
    const text = `the disk is nearly full: removing the oldest measured images, which have no other copy, to keep ${gigabytesText(this.keptFree())} free${since}. Free some space, or set Buffer.when_full = "pause"`;
    return { code: "buffer.making_room", text };
  }

  /** The last frames were reported a moment ago, so they may be removed now. */
  async flush(): Promise<void> {
    while (await this.run());
  }

  /** Logs once, at the start, what is removed and when. */
  private announce(): void {
    const { config, log } = this.options;
    if (!this.limited || config.Services.enable_remote_sync) return;
    const { image_buffer_size, max_bytes } = config.Buffer;
    if (image_buffer_size > 0 || max_bytes > 0) {
      const limit = image_buffer_size > 0 ? `the newest ${image_buffer_size}` : "the limits of [Buffer]";
      log.warn(
        `images are not copied (Services.enable_remote_sync = false): measured images beyond ${limit} are removed permanently; Buffer.image_buffer_size = 0 keeps them all`,
      );
      return;
    }
    if (!this.removesForRoom) return;
    log.info(
      `all images are kept while more than ${gigabytesText(this.keptFree())} of the disk is free; below that the oldest measured images are removed (Buffer.when_full = "pause" stops capture instead)`,
    );
  }

  /** Whether anything may ever be removed. Images imported in place may be the only copies. */
  private get limited(): boolean {
    const { Buffer, Camera, Services } = this.options.config;
    if (capabilitiesOf(Camera.camera_type).inPlace && !Services.enable_remote_sync) return false;
    return Buffer.image_buffer_size > 0 || Buffer.max_bytes > 0 || this.removesForRoom;
  }

  private get removesForRoom(): boolean {
    const { when_full, min_free_bytes } = this.options.config.Buffer;
    return when_full === "remove" && min_free_bytes !== 0;
  }

  /** With syncing, only what was copied and verified may be removed. */
  private choose(excess: Excess): LocalPicture[] {
    if (isNothing(excess)) return [];
    const { config, filesInUse: busy, manifest } = this.options;
    const unavailable = busy.size + this.setAside.size;
    const candidates = manifest.storage.removable(BATCH + unavailable, config.Services.enable_remote_sync);
    const available = candidates.filter(({ entryId }) => !busy.has(entryId) && !this.setAside.isResting(entryId));
    return chooseRemovals(available.slice(0, BATCH), excess);
  }

  /** The database may have been damaged since the files were chosen: then nothing is removed. */
  private readonly lastCheck = (): void => this.options.manifest.checkSound();

  private measure(): void {
    if (!this.limited) return;
    const space = this.space();
    this.excess = this.countedExcess(space?.freeBytes);
    if (space !== undefined && space.freeBytes > ROOM_AGAIN * this.keptFree(space)) this.makingRoom = false;
  }

  private space(): DiskSpace | undefined {
    return (this.options.space ?? (() => diskSpace(this.options.config.Paths.data_dir)))();
  }

  private keptFree(space = this.space()): number {
    return keptFreeBytes(this.options.config, space?.totalBytes ?? 0);
  }

  /** Returns how far the limits are exceeded; ignores the disk space if it is unknown. */
  private countedExcess(freeBytes: number | undefined): Excess {
    const { config, manifest } = this.options;
    const { image_buffer_size: images, max_bytes: bytes } = config.Buffer;
    const counts = manifest.history.counts();
    const store = { images: counts.localImages, bytes: counts.localBytes, freeBytes: freeBytes ?? 0 };
    const forRoom = freeBytes !== undefined && this.removesForRoom;
    return excessOf(store, { images, bytes, freeBytes: forRoom ? this.keptFree() : 0 });
  }

  private async remove(pictures: readonly LocalPicture[]): Promise<void> {
    const { checkPlace, config, log, manifest, nowUs } = this.options;
    checkPlace();
    const ids = pictures.map(({ entryId }) => entryId);
    manifest.storage.beginRemoval(ids, nowUs());
    const gone: LocalPicture[] = [];
    try {
      for (const picture of pictures) {
        if (await this.removeOne(picture)) gone.push(picture);
        checkPlace();
      }
    } finally {
      if (gone.length > 0) syncDirectory(config.Paths.data_dir);
      const removed = new Set(gone.map(({ entryId }) => entryId));
      const kept = ids.filter((id) => !removed.has(id));
      const root = config.Paths.remote_root_dir;
      // The files are gone, so the rows must follow, however long another program has the manifest locked.
      await manifest.whenFree(() => manifest.storage.endRemoval([...removed], root, kept));
    }
    const bytes = gone.reduce((sum, picture) => sum + (picture.bytes ?? 0), 0);
    this.removed = { images: this.removed.images + gone.length, bytes: this.removed.bytes + bytes };
    const [first] = gone;
    const last = gone.at(-1);
    if (first === undefined || last === undefined) return;
    const synced = config.Services.enable_remote_sync;
    if (this.excess.room > 0 && !synced) this.beginMakingRoom();
    const names = gone.length === 1 ? first.filename : `${gone.length} images, ${first.filename} to ${last.filename}`;
    const copied = synced ? "; the copies on the share are verified" : "";
    log.info(`removed ${names} (${megabytes(bytes)})${copied}`);
  }

  /** Removes one image. Returns false if this image cannot be removed: it is set aside. Throws if the disk is at fault. */
  private async removeOne({ entryId, filename, filepath, bytes, sha256 }: LocalPicture): Promise<boolean> {
    const { log } = this.options;
    try {
      await removePicture(filepath, filename, { bytes, sha256 }, this.lastCheck);
      this.setAside.remove(entryId);
      return true;
    } catch (error) {
      if (!(await isFileFault(error, filepath))) throw error;
      const reason = failureLine(error);
      if (this.setAside.add(entryId, filename, reason))
        log.warn(`cannot remove ${filename}, set it aside: ${reason}`, { entry: entryId });
      return false;
    }
  }

  private beginMakingRoom(): void {
    if (this.makingRoom) return;
    this.makingRoom = true;
    this.options.log.warn(this.condition()?.text ?? "");
  }

  private setAsideText(): string[] {
    const [first] = this.setAside.files(1);
    if (first === undefined) return [];
    const more = this.setAside.size > 1 ? ` and ${this.setAside.size - 1} more` : "";
    return [`cannot remove ${first.name}${more}: ${first.reason}`];
  }

  /** Logs once why something could not be removed, if that lasts, and once when it is over. */
  private explain(more: boolean): void {
    const { log } = this.options;
    if (more || isNothing(this.excess)) {
      if (this.stuck !== undefined) log.info("the image buffer is within its limits again");
      this.stuck = undefined;
      this.stuckSinceMs = undefined;
      return;
    }
    this.stuckSinceMs ??= performance.now();
    // Frames of the last minute are still being processed; only what stays longer is worth a log line.
    if (performance.now() - this.stuckSinceMs < (this.options.patienceMs ?? LOOK_EVERY_MS)) return;
    const reason = this.obstacle();
    const line = `the image buffer is full: ${excessText(this.excess)} beyond the limits of [Buffer]; ${reason}`;
    if (this.stuck?.reason !== reason) log.warn(line);
    this.stuck = { reason, line };
  }

  private obstacle(): string {
    const [unremovable] = this.setAsideText();
    if (unremovable !== undefined) return unremovable;
    const { config, manifest } = this.options;
    const found = manifest.storage.obstacle(config.Services.enable_remote_sync);
    return found === undefined
      ? "no other image may be removed"
      : `${found.filename} and later images must stay: ${found.why}`;
  }
}

const gigabytesText = (bytes: number): string => gigabytes(bytes, bytes < 1e9 ? 2 : 1);
