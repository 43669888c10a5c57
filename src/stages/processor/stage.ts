// The processor stage: takes pending frames, has the pool measure them, and records each result in one transaction.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Turn } from "../../analysis/reference-sequencer.ts";
import { type CompanionResult, type TaskAnswer, warningsOf } from "../../analysis/task.ts";
import { roiManifestPath } from "../../config/config.ts";
import {
  encodeFailure,
  Failure,
  type FailureCode,
  type FailureData,
  failureLine,
  lineOf,
} from "../../failure/failure.ts";
import { DepthKeeper } from "../../image/bit-depth.ts";
import type { Claim } from "../../manifest/entries.ts";
import { type PictureRoots, pictureRoots, placeOf } from "../../manifest/picture-place.ts";
import type { StoredCompanion } from "../../manifest/results.ts";
import { withDeadline } from "../../system/deadline.ts";
import { canList, canWrite } from "../../system/fault-of.ts";
import { SetAside, type SetAsideFile } from "../../system/set-aside.ts";
import type { OpenStage, Schedule, StageDefinition } from "../contract/stage-definition.ts";
import { analysisSettings } from "./analysis-settings.ts";
import { CaptureOrder } from "./capture-order.ts";
import { ChipMovement } from "./chip-movement.ts";
import { CurrentMeasure, type Measure, type MeasureOptions, storeGrown, type TrackingMeasure } from "./measure.ts";
import { MeasuringPool } from "./measuring-pool.ts";
import { UnsettledClaims } from "./unsettled-claims.ts";

/** Measures pictures in a pool of threads. */
export const processor: StageDefinition = {
  name: "processor",
  group: "measure",
  wakesOn: ["captured", "recorded", "freed"],
  enabled: () => true,
  open: ({ config, darkLevel, happened, ...context }) => {
    const { Data_Analysis: analysis, Timing } = config;
    return new Processor({
      ...context,
      ...analysisSettings(config, darkLevel),
      roiManifestFile: roiManifestPath(config),
      pictures: pictureRoots(config),
      threads: analysis.workers === 0 ? availableParallelism() : analysis.workers,
      batchSize: analysis.batch_size,
      maxAttempts: analysis.max_attempts,
      frameTimeoutMs: analysis.frame_timeout_seconds * 1000,
      everyMs: Timing.processor_interval_seconds * 1000,
      settled: (ok) => happened(ok ? "measured" : "failed"),
      freed: () => happened("freed"),
    });
  },
};

export interface ProcessorOptions extends MeasureOptions {
  /** Where pictures may be opened. */
  readonly pictures: PictureRoots;
  readonly threads: number;
  /** Most entries claimed at a time. */
  readonly batchSize: number;
  readonly maxAttempts: number;
  readonly frameTimeoutMs: number;
  /** Unasked, the queue is looked at this often. */
  readonly everyMs: number;
  /** Throws while the data directory is not the one the run began with. */
  checkPlace(): void;
  /** Called when a frame is settled: an output may want to look. */
  settled(ok: boolean): void;
  /** Called when a frame has left its thread: there is room to claim another. */
  freed(): void;
}

/** Longest time that a measured frame waits for those captured before it, and how many may wait while others are measured. */
const LONGEST_TURN_MS = 30_000;
const MOST_WAITING = 32;

type Measured = Extract<TaskAnswer, { ok: true }>;

export class Processor implements OpenStage {
  readonly schedule: Schedule;
  private readonly options: ProcessorOptions;
  private readonly inHand = new Map<number, Promise<void>>();
  private readonly pool: MeasuringPool;
  /** Outputs follow the order in which frames are settled. */
  private readonly order: CaptureOrder;
  /** What the frames of this run have shown of the camera's scale. */
  private readonly depth: DepthKeeper;
  private readonly measure: CurrentMeasure;
  private readonly unsettled: UnsettledClaims;
  private readonly movement: ChipMovement;
  private stopped = false;
  /** What is in hand is measured alone. */
  private alone = false;
  /** Frames whose pictures cannot be read, while others can. */
  private readonly aside = new SetAside<number>();

  constructor(options: ProcessorOptions) {
    this.options = options;
    this.schedule = { kind: "demand", atLeastEveryMs: options.everyMs, atMostEveryMs: 0 };
    this.depth = new DepthKeeper(options.settings.bits ?? 0);
    this.measure = new CurrentMeasure(options);
    this.unsettled = new UnsettledClaims(options.manifest);
    this.movement = new ChipMovement(options.log, options.settings.trackDrift === true);
    this.pool = new MeasuringPool(options);
    this.order = new CaptureOrder(Math.min(options.frameTimeoutMs, LONGEST_TURN_MS));
  }

  /**
   * Waits until the threads can measure. A frame claimed before that would have been given out for nothing when the
   * program is killed in its first second, and three such claims count as having caused it.
   */
  async prepare(): Promise<void> {
    await this.pool.prepare();
  }

  /** Keeps the pool supplied: a thread that ends one frame finds the next one claimed. True when more is pending. */
  async run(): Promise<boolean> {
    await this.unsettled.raise();
    const { manifest, nowUs } = this.options;
    const room = this.room();
    if (room <= 0 || this.stopped || manifest.history.counts().pending === 0) return false;
    let measure: Measure;
    try {
      measure = await this.measure.get();
    } catch (thrown) {
      const failure = encodeFailure(thrown);
      // Nothing is claimed, so nothing can be held against a frame.
      if (isStorage(failure)) throw thrown;
      const claims = await manifest.whenFree(() =>
        manifest.entries.claimPending(room, nowUs(), { except: this.aside.resting() }),
      );
      for (const claim of claims) await this.refuse(claim, failure);
      return this.room() > 0;
    }
    const claims = await manifest.whenFree(() => this.claim(room, measure));
    await this.measure.markRegistration(measure.rois, claims);
    for (const { entryId } of claims) this.order.begin(entryId);
    for (const claim of claims) {
      const done = this.process(claim, measure).finally(() => {
        this.order.end(claim.entryId);
        this.inHand.delete(claim.entryId);
        this.options.freed();
      });
      this.inHand.set(claim.entryId, done);
    }
    return false;
  }

  /** Frames whose pictures cannot be read, while others can; they stay pending. */
  filesSetAside(): readonly SetAsideFile[] {
    return this.aside.files();
  }

  get framesInHand(): number {
    return this.inHand.size;
  }

  /** Frames that rest are nothing to wait for: the next run tries them again. */
  idle(): boolean {
    if (this.inHand.size > 0) return false;
    const { pending, processing } = this.options.manifest.history.counts();
    return pending <= this.aside.resting().length && processing === 0;
  }

  /** Waits for the frames in hand, gives what does not end in time back to the queue, ends the pool. */
  async flush(timeoutMs: number): Promise<void> {
    this.stopped = true;
    const late = () => new Failure("internal", "frames are still being measured");
    await withDeadline(Promise.all(this.inHand.values()), timeoutMs, late).catch((error: unknown) => {
      this.options.log.warn(`${failureLine(error)}: returning ${this.inHand.size} frames to the queue`);
    });
    if (this.inHand.size === 0) await this.pool.close();
    await this.unsettled.giveBack();
  }

  async close(): Promise<void> {
    // Flush has ended the pool, unless that would tear down a native call.
  }

  /**
   * Frames that were being measured when the program ended wait until there is nothing else to do and are then measured
   * alone: if one of them ended it, it is known which, and an end that has nothing to do with them is seldom held against
   * them. While a reference is made from the first frames, these keep their order, but never for their last attempt.
   */
  private claim(room: number, { references }: Measure): Claim[] {
    const { manifest, nowUs, maxAttempts } = this.options;
    // A stop may have come while another program held the manifest locked.
    if (this.stopped) return [];
    // Positions that are counted from the first frames must not depend on what became of these the first time.
    const attemptsBelow = references.needsOrder ? maxAttempts : 1;
    const except = this.aside.resting();
    const claims = manifest.entries.claimPending(room, nowUs(), { attemptsBelow, except });
    this.alone = claims.length === 0 && this.inHand.size === 0;
    return this.alone ? manifest.entries.claimPending(1, nowUs(), { except }) : claims;
  }

  /** A frame is handed out when a thread is free for it, so that its time limit covers its own time alone. */
  private room(): number {
    if (this.alone && this.inHand.size > 0) return 0;
    const waiting = Math.min(this.order.waiting, MOST_WAITING);
    return Math.min(this.options.batchSize, this.options.threads) - (this.inHand.size - waiting);
  }

  /** Never rejects: whatever goes wrong is settled, or set aside until it can be. */
  private process(claim: Claim, measure: Measure): Promise<void> {
    return measure.references.run((turn) => this.measureAndSettle(claim, measure, turn));
  }

  private async measureAndSettle(claim: Claim, measure: Measure, turn: Turn): Promise<void> {
    const startedMs = performance.now();
    try {
      const picture = placeOf(claim, this.options.pictures);
      const { settings, companion } = this.options;
      const tracked = companion === undefined ? turn.grown : { ...turn.grown, companion };
      const { known: depth } = this.depth;
      const task = { picture, roiManifestJson: measure.rois.json, settings, depth, ...tracked };
      const answer = await turn.measure((drift) => this.pool.measure({ ...task, drift }));
      const tookMs = performance.now() - startedMs;
      if (!(await this.order.turn(claim.entryId, this.options.freed))) {
        this.options.log.debug(`${claim.filename}: recorded before an earlier frame, which takes too long`);
      }
      if (answer.ok) await this.settleMeasured(claim, measure, answer, tookMs);
      else if (await this.isOfThePicture(claim, answer.failure)) this.rest(claim, answer.failure);
      else await this.refuse(claim, answer.failure, measure.analysisId);
    } catch (thrown) {
      await this.refuse(claim, encodeFailure(thrown), measure.analysisId);
    }
  }

  private async settleMeasured(claim: Claim, measure: Measure, answer: Measured, tookMs: number): Promise<void> {
    const { log, manifest, nowUs } = this.options;
    const { answer: result } = answer;
    const { tracking } = measure;
    const flags = measure.jumps.mark(result.position, result.standardError, result.flags);
    const astray = this.movement.look(result.displacement, measure.rois, claim);
    const companion = tracking === undefined ? undefined : companionOf(tracking, answer.companion);
    const warnings = warningsOf(answer);
    this.depth.learn(result.depth);
    const drift = measure.references.unkeptDrift;
    const settle = () => {
      if (drift !== undefined) manifest.references.keepDrift(measure.analysisId, drift);
      const outcomeId = manifest.complete(claim, measure.analysisId, { ...result, flags, astray, companion }, nowUs());
      if (outcomeId === undefined) return undefined;
      for (const warning of warnings) manifest.entries.addWarning(claim.entryId, warning);
      storeGrown(manifest, measure, answer);
      return outcomeId;
    };
    const outcome = await manifest.whenFree(() => manifest.together(settle));
    measure.references.kept(drift, outcome === undefined ? undefined : answer);
    const fields = { entry: claim.entryId };
    this.aside.remove(claim.entryId);
    if (outcome === undefined) {
      log.warn(`${claim.filename}: ignored a late result; the frame is already being measured again`, fields);
      return;
    }
    log.info(`${claim.filename}: measured in ${Math.round(tookMs)} ms`, fields);
    for (const warning of warnings) log.warn(`${claim.filename}: ${warning}`, fields);
    this.options.settled(true);
  }

  /** Fails the frame for good, or sets it aside for another try while that can help. */
  private async refuse(claim: Claim, reason: FailureData, analysisId?: number): Promise<void> {
    const failure = this.withPlace(asFrame(claim, reason));
    const again = isStorage(failure) || (failure.retry === "later" && claim.attempts < this.options.maxAttempts);
    if (again) {
      this.setAside(claim, failure);
      return;
    }
    try {
      await this.settleFailed(claim, failure, analysisId);
    } catch (thrown) {
      this.setAside(claim, encodeFailure(thrown));
    }
  }

  /** Whether the disk refuses this one picture and no other. */
  private async isOfThePicture({ filepath }: Claim, failure: FailureData): Promise<boolean> {
    if (failure.code !== "disk.failed") return false;
    try {
      this.options.checkPlace();
    } catch {
      return false;
    }
    // Nothing is written where other programs keep their pictures.
    return filepath === this.options.pictures.dataDir ? await canWrite(filepath) : await canList(filepath);
  }

  /** Sets the frame aside: it stays pending and is retried at growing intervals, without using up its attempts. */
  private rest(claim: Claim, { message }: FailureData): void {
    const { entryId, filename } = claim;
    if (this.aside.add(entryId, filename, message))
      this.options.log.warn(`cannot read ${filename}, set it aside: ${message}`, { entry: entryId });
    this.unsettled.add(claim, false);
  }

  /** A picture that is missing because the whole disk is has not failed: it waits like all others. */
  private withPlace(failure: FailureData): FailureData {
    if (failure.code !== "frame.missing") return failure;
    try {
      this.options.checkPlace();
      return failure;
    } catch (thrown) {
      return encodeFailure(thrown);
    }
  }

  private async settleFailed(claim: Claim, failure: FailureData, analysisId?: number): Promise<void> {
    const { log, manifest, nowUs } = this.options;
    await manifest.whenFree(() => {
      manifest.fail(claim, failure, nowUs(), analysisId);
      const isGone = failure.code === "frame.missing" && !existsSync(join(claim.filepath, claim.filename));
      if (isGone) manifest.entries.markMissing(claim.entryId);
    });
    this.aside.remove(claim.entryId);
    log.error(`${claim.filename}: failed: ${lineOf(failure)}`, { entry: claim.entryId });
    this.options.settled(false);
  }

  /** Keeps a claim that could not be settled; the stage's next run gives it back and backs off. */
  private setAside(claim: Claim, failure: FailureData): void {
    const { log, settled } = this.options;
    log.warn(`${claim.filename}: ${failure.message}; returned the frame to the queue`, { entry: claim.entryId });
    // A full disk is not the frame's fault and must not use up its attempts.
    this.unsettled.add(claim, !isStorage(failure), failure);
    settled(false);
  }
}

/** What tracking says beside the method, as it is stored. */
function companionOf(
  { analysisId, jumps }: TrackingMeasure,
  companion: CompanionResult | undefined,
): StoredCompanion | undefined {
  if (companion === undefined) return undefined;
  return { analysisId, ...companion, flags: jumps.mark(companion.position, companion.standardError, companion.flags) };
}

/** A missing file is the frame's fault where it is its picture; what the program itself needs is not. */
function asFrame({ filepath, filename }: Claim, failure: FailureData): FailureData {
  const isPicture = failure.code === "file.missing" && !existsSync(join(filepath, filename));
  return isPicture ? { ...failure, code: "frame.missing", retry: "never" } : failure;
}

/** Failures of what lies under all frames: the disk, the manifest, the program itself. No frame is to blame for them. */
const OF_NO_FRAME: ReadonlySet<FailureCode> = new Set([
  "disk.full",
  "disk.failed",
  "file.missing",
  "installation.broken",
  "manifest.corrupt",
  "manifest.failed",
  "manifest.locked",
]);

function isStorage(failure: FailureData): boolean {
  return OF_NO_FRAME.has(failure.code);
}
