// Settles a frame after its measurement: its result is stored, it fails for good, its image is set aside, or its claim returns to
// the queue. Each of these is one transaction.
import { join } from "node:path";
import { type CompanionResult, type TaskAnswer, warningsOf } from "../../analysis/task.ts";
import { isGone } from "../../archive/directory-identity.ts";
import { encodeFailure, type FailureData, lineOf } from "../../failure/failure.ts";
import { DepthKeeper } from "../../image/bit-depth.ts";
import type { Claim } from "../../manifest/entries.ts";
import { frameName } from "../../manifest/page-rows.ts";
import type { PictureRoots } from "../../manifest/picture-place.ts";
import type { StoredCompanion } from "../../manifest/results.ts";
import { canList, canWrite } from "../../system/fault-of.ts";
import { SetAside } from "../../system/set-aside.ts";
import type { StageContext } from "../contract/stage-definition.ts";
import { asFrame, isStorage } from "./blame.ts";
import { ChipMovement } from "./chip-movement.ts";
import type { FrameQueue } from "./frame-queue.ts";
import type { Measure, MeasureOptions, TrackingMeasure } from "./measure.ts";
import { storeReferences } from "./stored-references.ts";
import { UnsettledClaims } from "./unsettled-claims.ts";

export interface SettlementOptions
  extends Pick<StageContext, "manifest" | "log" | "nowUs" | "checkPlace" | "happened">,
    Pick<MeasureOptions, "settings"> {
  /** Where images may be opened. */
  readonly pictures: PictureRoots;
  readonly maxAttempts: number;
}

type Measured = Extract<TaskAnswer, { ok: true }>;

export class Settlement {
  /** Frames whose images cannot be read while others can; they stay pending. */
  readonly aside = new SetAside<number>();
  readonly unsettled: UnsettledClaims;
  /** What the frames of this run have shown about the camera's pixel value range. */
  readonly depth: DepthKeeper;
  readonly #options: SettlementOptions;
  readonly #queue: FrameQueue;
  readonly #movement: ChipMovement;

  constructor(options: SettlementOptions, queue: FrameQueue) {
    this.#options = options;
    this.#queue = queue;
    this.unsettled = new UnsettledClaims(options.manifest, queue);
    this.depth = new DepthKeeper(options.settings.bits ?? 0);
    this.#movement = new ChipMovement(options.log, options.settings.trackDrift === true);
  }

  /** Settles a claim according to the answer of its thread. */
  async settle(claim: Claim, measure: Measure, answer: TaskAnswer, tookMs: number): Promise<void> {
    if (answer.ok) await this.#measured(claim, measure, answer, tookMs);
    else if (await this.#isOfThePicture(claim, answer.failure)) this.#setAside(claim, answer.failure);
    else await this.refuse(claim, answer.failure, measure.analysisId);
  }

  /** Stores the result of a frame, with its additions to the references. */
  async #measured(claim: Claim, measure: Measure, answer: Measured, tookMs: number): Promise<void> {
    const { log, manifest, nowUs } = this.#options;
    const { answer: result } = answer;
    const { tracking } = measure;
    const flags = measure.jumps.mark(result.position, result.standardError, result.flags);
    const movedTooFar = this.#movement.look(result.displacement, measure.rois, claim);
    const companion = tracking === undefined ? undefined : companionOf(tracking, answer.companion);
    const warnings = warningsOf(answer);
    this.depth.learn(result.depth);
    const drift = measure.references.unkeptDrift;
    const settle = () => {
      storeReferences(manifest, measure, { drift });
      const outcomeId = this.#queue.complete(
        claim,
        measure.analysisId,
        { ...result, flags, movedTooFar, companion },
        nowUs(),
      );
      if (outcomeId === undefined) return undefined;
      for (const warning of warnings) this.#queue.addWarning?.(claim.entryId, warning);
      storeReferences(manifest, measure, answer);
      return outcomeId;
    };
    const outcome = await manifest.whenFree(() => manifest.together(settle));
    if (outcome !== undefined) this.#queue.committed?.(claim);
    measure.references.kept(drift, outcome === undefined ? undefined : answer);
    const fields = { entry: claim.entryId };
    const name = frameName(claim.filename, claim.page);
    this.aside.remove(claim.entryId);
    if (outcome === undefined) {
      log.warn(`${name}: ignored a late result; the frame is already being measured again`, fields);
      return;
    }
    log.info(`${name}: measured in ${Math.round(tookMs)} ms`, fields);
    for (const warning of warnings) log.warn(`${name}: ${warning}`, fields);
    this.#options.happened("measured");
  }

  /** Fails the frame for good, or sets it aside for another attempt if that can help. */
  async refuse(claim: Claim, reason: FailureData, analysisId?: number): Promise<void> {
    const failure = this.#withPlace(claim, asFrame(claim, reason));
    const again = isStorage(failure) || (failure.retry === "later" && claim.attempts < this.#options.maxAttempts);
    if (again) {
      this.#returnClaim(claim, failure);
      return;
    }
    try {
      await this.#failed(claim, failure, analysisId);
    } catch (thrown) {
      this.#returnClaim(claim, encodeFailure(thrown));
    }
  }

  /** Whether only this image cannot be read, while others can. */
  async #isOfThePicture({ filepath }: Claim, failure: FailureData): Promise<boolean> {
    if (failure.code !== "disk.failed") return false;
    try {
      this.#options.checkPlace();
    } catch {
      return false;
    }
    // Directories of other programs are never written to.
    return filepath === this.#options.pictures.dataDir ? await canWrite(filepath) : await canList(filepath);
  }

  /** Sets the frame aside: it stays pending and is retried at growing intervals, without using up its attempts. */
  #setAside(claim: Claim, { message }: FailureData): void {
    const { entryId, filename } = claim;
    if (this.aside.add(entryId, filename, message))
      this.#options.log.warn(`cannot read ${filename}, set it aside: ${message}`, { entry: entryId });
    this.unsettled.add(claim, false);
  }

  /**
   * An image that was missing because its whole disk was missing has not failed: it waits, or is read again if the disk is back.
   */
  #withPlace({ filepath, filename }: Claim, failure: FailureData): FailureData {
    if (failure.code !== "frame.missing") return failure;
    try {
      return isGone(join(filepath, filename), this.#options.checkPlace) ? failure : { ...failure, retry: "later" };
    } catch (thrown) {
      return encodeFailure(thrown);
    }
  }

  async #failed(claim: Claim, failure: FailureData, analysisId?: number): Promise<void> {
    const { log, manifest, nowUs } = this.#options;
    let others = 0;
    await manifest.whenFree(() => {
      others = this.#queue.fail(claim, failure, nowUs(), analysisId);
    });
    this.aside.remove(claim.entryId);
    log.error(`${frameName(claim.filename, claim.page)}: failed: ${lineOf(failure)}`, { entry: claim.entryId });
    if (others > 0) log.error(`${claim.filename}: ${others} more pages of this file failed with it`);
    this.#options.happened("failed");
  }

  /** Keeps a claim that could not be settled; the stage's next run returns it to the queue and backs off. */
  #returnClaim(claim: Claim, failure: FailureData): void {
    const { log, happened } = this.#options;
    log.warn(`${frameName(claim.filename, claim.page)}: ${failure.message}; returned the frame to the queue`, {
      entry: claim.entryId,
    });
    // A full disk is not the frame's fault and must not use up its attempts.
    this.unsettled.add(claim, !isStorage(failure), failure);
    happened("failed");
  }
}

/** Returns the result of a tracking measured along with the method, as it is stored. */
function companionOf(
  { analysisId, jumps }: TrackingMeasure,
  companion: CompanionResult | undefined,
): StoredCompanion | undefined {
  if (companion === undefined) return undefined;
  return { analysisId, ...companion, flags: jumps.mark(companion.position, companion.standardError, companion.flags) };
}
