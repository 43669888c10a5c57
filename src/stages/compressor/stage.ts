// The compressor stage: has its thread compress measured images one by one, and records the result.
import { join } from "node:path";
import type { CompressOutcome } from "../../archive/compress.ts";
import { isGone } from "../../archive/directory-identity.ts";
import type { LocalPicture } from "../../manifest/storage.ts";
import { megabytes } from "../../system/byte-size.ts";
import { SetAside, type SetAsideFile } from "../../system/set-aside.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, Schedule, StageContext, StageDefinition } from "../contract/stage-definition.ts";
import type { CompressorJob, CompressorSettings } from "./messages.ts";

/** The largest image at the highest effort takes minutes on a small machine; a thread that is silent for longer hangs. */
const PICTURE_TIMEOUT_MS = 1_800_000;

/** Compresses measured images, one at a time. */
export const compressor: StageDefinition = {
  name: "compressor",
  group: "storage",
  wakesOn: [],
  enabled: ({ Services }) => Services.enable_image_compression,
  open: ({ happened, ...context }) => new Compressor({ ...context, settled: () => happened("compressed") }),
};

export interface CompressorOptions
  extends Pick<StageContext, "config" | "manifest" | "log" | "checkPlace" | "filesInUse"> {
  /** Called when an image is settled: the next stage may have work. */
  settled(): void;
}

export class Compressor implements OpenStage {
  readonly schedule: Schedule;
  private readonly options: CompressorOptions;
  private readonly thread: RemoteWorker<CompressorSettings, CompressorJob, CompressOutcome>;
  /** Images that cannot be read or replaced, by entry. */
  private readonly aside = new SetAside<number>();
  /** The image at which the disk failed last. Another one is tried next, because the image may be the cause. */
  private failedAt: number | undefined;
  private done = { compressed: 0, left: 0, savedBytes: 0 };

  constructor(options: CompressorOptions) {
    this.options = options;
    const { Compression, Timing } = options.config;
    const everyMs = Timing.compress_interval_seconds * 1000;
    this.schedule = { kind: "demand", atLeastEveryMs: everyMs, atMostEveryMs: 0 };
    const settings = { level: Compression.level, minSavingPercent: Compression.min_saving_percent };
    this.thread = new RemoteWorker("compressor", settings, (level, message) => options.log.log(level, message));
  }

  /** Handles one image. Returns true if another one is waiting. */
  async run(signal: AbortSignal): Promise<boolean> {
    const picture = this.next();
    if (picture === undefined) return false;
    this.options.filesInUse.add(picture.entryId);
    try {
      const outcome = await this.compress(picture, signal);
      await this.options.manifest.whenFree(() => this.settle(picture, outcome));
      this.failedAt = undefined;
    } catch (thrown) {
      this.failedAt = picture.entryId;
      throw thrown;
    } finally {
      this.options.filesInUse.delete(picture.entryId);
    }
    this.options.settled();
    return !signal.aborted && this.next() !== undefined;
  }

  idle(): boolean {
    return this.next() === undefined;
  }

  note(): string {
    const { compressed, left, savedBytes } = this.done;
    if (compressed + left === 0) return "";
    const kept = left === 0 ? "" : `, ${left} not compressible`;
    return `${compressed} compressed (${megabytes(savedBytes)} saved)${kept}`;
  }

  close(timeoutMs: number): Promise<void> {
    return this.thread.close(timeoutMs);
  }

  private next(): LocalPicture | undefined {
    const waiting = this.options.manifest.storage.uncompressed(this.aside.size + 2);
    const due = waiting.filter((picture) => !this.aside.isResting(picture.entryId));
    return due.find(({ entryId }) => entryId !== this.failedAt) ?? due[0];
  }

  filesSetAside(): readonly SetAsideFile[] {
    return this.aside.files();
  }

  private async compress(
    picture: LocalPicture,
    signal: AbortSignal,
  ): Promise<CompressOutcome | { readonly kind: "foreign" }> {
    if (!picture.own) return { kind: "foreign" };
    const { filepath, filename, sha256 } = picture;
    return this.thread.run({ type: "compress", filepath, filename, sha256 }, PICTURE_TIMEOUT_MS, signal);
  }

  private settle(
    { entryId, filename, filepath }: LocalPicture,
    outcome: CompressOutcome | { readonly kind: "foreign" },
  ): void {
    const { log, manifest } = this.options;
    const fields = { entry: entryId };
    if (outcome.kind !== "failed") this.aside.remove(entryId);
    switch (outcome.kind) {
      case "failed":
        if (this.aside.add(entryId, filename, outcome.reason))
          log.warn(`cannot compress ${filename}, set it aside: ${outcome.reason}`, fields);
        return;
      case "compressed": {
        const { kind: _, ...file } = outcome;
        manifest.storage.settleCompressed(entryId, file);
        this.done.compressed += 1;
        this.done.savedBytes += file.originalBytes - file.bytes;
        const percent = Math.round(100 * (1 - file.bytes / Math.max(1, file.originalBytes)));
        log.info(`compressed ${filename}: ${percent} % smaller`, fields);
        return;
      }
      case "incompressible":
        manifest.storage.settleUncompressed(entryId, outcome);
        this.done.left += 1;
        log.debug(`${filename} does not get smaller; left uncompressed`, fields);
        return;
      case "refused":
        manifest.storage.settleUncompressed(entryId);
        this.done.left += 1;
        log.warn(`left ${filename} uncompressed: ${outcome.reason}`, fields);
        return;
      case "foreign":
        // Imported in place: it belongs to another program and is only read.
        manifest.storage.settleUncompressed(entryId);
        this.done.left += 1;
        log.debug(`${filename} belongs to another program; left uncompressed`, fields);
        return;
      case "missing":
        if (!isGone(join(filepath, filename), this.options.checkPlace)) {
          this.aside.add(entryId, filename, "its disk was away for a moment");
          return;
        }
        manifest.entries.markMissing(entryId);
        log.error(`${filename}: the image file does not exist; marked it as missing`, fields);
        return;
      default:
        outcome satisfies never;
    }
  }
}
