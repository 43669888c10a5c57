// The processor stage: claims pending frames, lets the pool measure them, and stores each result in one transaction.
import { availableParallelism } from "node:os";
import type { Turn } from "../../analysis/reference-sequencer.ts";
import { roiManifestPath } from "../../config/config.ts";
import { encodeFailure, Failure, failureLine } from "../../failure/failure.ts";
import type { Claim } from "../../manifest/entries.ts";
import { pictureRoots, placeOf } from "../../manifest/picture-place.ts";
import { counted } from "../../system/counted.ts";
import { withDeadline } from "../../system/deadline.ts";
import type { SetAsideFile } from "../../system/set-aside.ts";
import type { OpenStage, Schedule, StageContext, StageDefinition } from "../contract/stage-definition.ts";
import { analysisSettings } from "./analysis-settings.ts";
import { isStorage } from "./blame.ts";
import { CaptureOrder } from "./capture-order.ts";
import { type FrameQueue, PendingFrames } from "./frame-queue.ts";
import { CurrentMeasure, type Measure, type MeasureOptions, type MeasureSource } from "./measure.ts";
import { MeasuringPool } from "./measuring-pool.ts";
import { Settlement, type SettlementOptions } from "./settlement.ts";

/** Measures images in a pool of threads. */
export const processor: StageDefinition = {
  name: "processor",
  group: "measure",
  wakesOn: ["captured", "recorded", "freed"],
  enabled: () => true,
  open: (context) => {
    const { config, darkLevel } = context;
    const { Data_Analysis: analysis, Timing } = config;
    return new Processor({
      ...context,
      ...analysisSettings(config, darkLevel),
      roiManifestFile: roiManifestPath(config),
      keptRois: analysis.rois,
      pictures: pictureRoots(config),
      threads: analysis.workers === 0 ? availableParallelism() : analysis.workers,
      batchSize: analysis.batch_size,
      maxAttempts: analysis.max_attempts,
      frameTimeoutMs: analysis.frame_timeout_seconds * 1000,
      everyMs: Timing.processor_interval_seconds * 1000,
    });
  },
};

export interface ProcessorOptions extends Pick<StageContext, "happened">, MeasureOptions, SettlementOptions {
  readonly threads: number;
  /** Largest number of entries claimed at a time. */
  readonly batchSize: number;
  readonly frameTimeoutMs: number;
  /** Absent: the pending entries. */
  readonly queue?: FrameQueue;
  /** Absent: the ROI manifest's file, which may change. */
  readonly measure?: MeasureSource;
  /** Longest time between two checks of the queue. */
  readonly everyMs: number;
}

/** Longest time that a measured frame waits for those captured before it, and how many may wait while others are measured. */
const LONGEST_TURN_MS = 30_000;
const MOST_WAITING = 32;

export class Processor implements OpenStage {
  readonly schedule: Schedule;
  private readonly options: ProcessorOptions;
  private readonly measuring = new Map<number, Promise<void>>();
  private readonly pool: MeasuringPool;
  /** Outputs follow the order in which frames are settled. */
  private readonly order: CaptureOrder;
  private readonly queue: FrameQueue;
  private readonly measure: MeasureSource;
  private readonly settlement: Settlement;
  private stopped = false;
  /** Whether the frame being measured is measured alone. */
  private alone = false;

  constructor(options: ProcessorOptions) {
    this.options = options;
    this.schedule = { kind: "demand", atLeastEveryMs: options.everyMs, atMostEveryMs: 0 };
    this.queue = options.queue ?? new PendingFrames(options.manifest);
    this.measure = options.measure ?? new CurrentMeasure(options);
    this.settlement = new Settlement(options, this.queue);
    this.pool = new MeasuringPool(options);
    this.order = new CaptureOrder(Math.min(options.frameTimeoutMs, LONGEST_TURN_MS));
  }

  /**
   * Waits until the threads can measure. Otherwise, if the program is killed in its first second, a claimed frame would be
   * counted as attempted without being measured, and after three such claims it is assumed to have ended the program.
   */
  async prepare(): Promise<void> {
    await this.pool.prepare();
  }

  /** Returns which ROIs are left out, for `status`. */
  note(): string {
    return this.measure.note?.() ?? "";
  }

  /**
   * Keeps the pool supplied: when a thread finishes a frame, the next one is already claimed. Returns true if more is pending.
   */
  async run(): Promise<boolean> {
    await this.settlement.unsettled.raise();
    const { manifest, nowUs } = this.options;
    const room = this.room();
    if (room <= 0 || this.stopped || this.queue.counts().pending === 0) return false;
    let measure: Measure;
    try {
      measure = await this.measure.get();
    } catch (thrown) {
      const failure = encodeFailure(thrown);
      // Nothing is claimed, so no frame can be at fault.
      if (isStorage(failure)) throw thrown;
      const claims = await manifest.whenFree(() =>
        this.queue.claim(room, nowUs(), { except: this.settlement.aside.resting() }),
      );
      for (const claim of claims) await this.settlement.refuse(claim, failure);
      return this.room() > 0;
    }
    const claims = await manifest.whenFree(() => this.claim(room, measure));
    await this.measure.markRegistration(measure.rois, claims);
    for (const claim of claims) this.order.begin(claim.entryId, this.queue.placeOf(claim));
    for (const claim of claims) {
      const done = this.process(claim, measure).finally(() => {
        this.order.end(claim.entryId);
        this.measuring.delete(claim.entryId);
        this.options.happened("freed");
      });
      this.measuring.set(claim.entryId, done);
    }
    return false;
  }

  /** Returns the frames whose images cannot be read while others can; they stay pending. */
  filesSetAside(): readonly SetAsideFile[] {
    return this.settlement.aside.files();
  }

  get framesMeasuring(): number {
    return this.measuring.size;
  }

  /** Frames that were set aside are not waited for: the next run tries them again. */
  idle(): boolean {
    if (this.measuring.size > 0) return false;
    const { pending, processing } = this.queue.counts();
    return pending <= this.settlement.aside.resting().length && processing === 0;
  }

  /** Waits for the frames in progress, returns those that do not finish in time to the queue, and closes the pool. */
  async flush(timeoutMs: number): Promise<void> {
    this.stopped = true;
    const late = () => new Failure("internal", "frames are still being measured");
    await withDeadline(Promise.all(this.measuring.values()), timeoutMs, late).catch((error: unknown) => {
      this.options.log.warn(`${failureLine(error)}: returning ${counted(this.measuring.size, "frame")} to the queue`);
    });
    if (this.measuring.size === 0) await this.pool.close();
    await this.settlement.unsettled.giveBack();
  }

  async close(): Promise<void> {
    // Flush has closed the pool, unless that would have interrupted a native call.
  }

  /**
   * Frames that were being measured when the program ended wait until there is nothing else to do and are then measured alone, so
   * that one that needs too much memory harms no other. While a reference is made from the first frames, these keep their order,
   * up to `maxAttempts`.
   */
  private claim(room: number, { references }: Measure): Claim[] {
    const { nowUs, maxAttempts } = this.options;
    // The run may have been stopped while another program had the manifest locked.
    if (this.stopped) return [];
    // Positions relative to the first frames must not depend on what happened to these at the first attempt.
    const attemptsBelow = references.needsOrder ? maxAttempts : 1;
    const except = this.settlement.aside.resting();
    const claims = this.queue.claim(room, nowUs(), { attemptsBelow, except });
    this.alone = claims.length === 0 && this.measuring.size === 0;
    return this.alone ? this.queue.claim(1, nowUs(), { except }) : claims;
  }

  /**
   * Returns how many frames can be claimed. A frame is claimed only when a thread is free for it, so that its time limit covers
   * only its own time.
   */
  private room(): number {
    if (this.alone && this.measuring.size > 0) return 0;
    const waiting = Math.min(this.order.waiting, MOST_WAITING);
    return Math.min(this.options.batchSize, this.options.threads) - (this.measuring.size - waiting);
  }

  /** Measures and settles a frame. Never rejects: an error is settled, or the claim is kept until it can be. */
  private process(claim: Claim, measure: Measure): Promise<void> {
    return measure.references.run((turn) => this.measureAndSettle(claim, measure, turn));
  }

  private async measureAndSettle(claim: Claim, measure: Measure, turn: Turn): Promise<void> {
    const startedMs = performance.now();
    try {
      const picture = placeOf(claim, this.options.pictures);
      const { settings, companion } = this.options;
      const { known: depth } = this.settlement.depth;
      const tracked = companion === undefined ? {} : { companion };
      const task = { picture, roiManifestJson: measure.rois.json, settings, depth, ...tracked };
      // If the frame ended the program before, it may do so again.
      const where = { apart: claim.attempts > 1 };
      const answer = await turn.measure((references) => this.pool.measure({ ...task, ...references }, where));
      const tookMs = performance.now() - startedMs;
      if (!(await this.order.turn(claim.entryId, () => this.options.happened("freed")))) {
        this.options.log.debug(`${claim.filename}: recorded before an earlier frame, which takes too long`);
      }
      await this.settlement.settle(claim, measure, answer, tookMs);
    } catch (thrown) {
      await this.settlement.refuse(claim, encodeFailure(thrown), measure.analysisId);
    }
  }
}
