// The processor stage: claims pending entries, has each measured by the pool, settles each in one transaction.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Piscina } from "piscina";
import { type Displacement, isAstray } from "../analysis/drift.ts";
import { DriftKeeper } from "../analysis/drift-task.ts";
import { JumpDetector } from "../analysis/jump.ts";
import { kernelVersion } from "../analysis/kernel.ts";
import type { AnalysisSettings } from "../analysis/resonance.ts";
import { type RoiManifest, readRoiManifest } from "../analysis/roi.ts";
import type { TaskAnswer, TaskRequest } from "../analysis/task.ts";
import { encodeFailure, Failure, type FailureData } from "../failure.ts";
import type { StageLog } from "../log.ts";
import type { Claim } from "../manifest/entries.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { workerFile } from "./stage-thread.ts";

export interface ProcessingOptions {
  readonly manifest: Manifest;
  readonly log: StageLog;
  readonly runId: number;
  readonly settings: AnalysisSettings;
  readonly roiManifestFile: string;
  readonly threads: number;
  /** Most entries claimed at a time. */
  readonly batchSize: number;
  readonly maxAttempts: number;
  readonly frameTimeoutMs: number;
  nowUs(): number;
  /** Called when a frame is settled; there is room to claim another, and an output may want to look. */
  settled(ok: boolean): void;
}

/** What all frames of the moment are measured with; replaced when the ROI manifest's file changes. */
interface Measure {
  readonly stamp: string;
  readonly rois: RoiManifest;
  readonly analysisId: number;
  readonly jumps: JumpDetector;
  readonly drift: DriftKeeper;
}

export class Processing {
  private readonly options: ProcessingOptions;
  private readonly inHand = new Map<number, Promise<void>>();
  private pool: Piscina<TaskRequest, TaskAnswer>;
  private measure: Measure | undefined;
  private stopped = false;
  private wasAstray = false;

  constructor(options: ProcessingOptions) {
    this.options = options;
    this.pool = this.createPool();
  }

  /** Keeps the pool supplied: a thread that ends one frame finds the next one claimed. True when more is pending. */
  async work(): Promise<boolean> {
    const room = this.room();
    if (room <= 0 || this.stopped) return false;
    const claims = this.options.manifest.claimPending(room, this.options.nowUs());
    if (claims.length === 0) return false;
    let measure: Measure;
    try {
      measure = await this.currentMeasure();
    } catch (thrown) {
      const failure = encodeFailure(thrown);
      for (const claim of claims) this.settleFailed(claim, failure);
      return this.room() > 0;
    }
    for (const claim of claims) {
      const done = this.process(claim, measure).finally(() => this.inHand.delete(claim.entryId));
      this.inHand.set(claim.entryId, done);
    }
    return false;
  }

  get framesInHand(): number {
    return this.inHand.size;
  }

  /** Waits for the frames in hand, gives what does not end in time back to the queue, ends the pool. */
  async stop(timeoutMs: number): Promise<void> {
    this.stopped = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(this.inHand.values()), late]);
    clearTimeout(timer);
    // A native call in flight must not be torn down; the pool is only ended when it is at rest.
    if (this.inHand.size === 0) await this.pool.destroy();
    else this.options.log.warn(`${this.inHand.size} frames were still being measured; they go back to the queue`);
  }

  private room(): number {
    return Math.min(this.options.batchSize, this.options.threads + 2) - this.inHand.size;
  }

  private createPool(): Piscina<TaskRequest, TaskAnswer> {
    const { url, execArgv } = workerFile("processor");
    const { threads } = this.options;
    return new Piscina({
      filename: url.href,
      execArgv,
      minThreads: threads,
      maxThreads: threads,
      maxQueue: 64,
      idleTimeout: Number.POSITIVE_INFINITY,
    });
  }

  private async currentMeasure(): Promise<Measure> {
    const { manifest, roiManifestFile, runId, settings } = this.options;
    const { mtimeMs = 0, size = 0 } = statSync(roiManifestFile, { throwIfNoEntry: false }) ?? {};
    const stamp = `${mtimeMs} ${size}`;
    if (this.measure?.stamp === stamp) return this.measure;
    const rois = await readRoiManifest(roiManifestFile);
    const roiManifestId = manifest.ensureRoiManifest(rois);
    const { method, debug: _, ...others } = settings;
    const analysisId = manifest.ensureAnalysis({
      method,
      settings: JSON.stringify(others),
      roiManifestId,
      kernelVersion: kernelVersion(),
    });
    manifest.noteMeasure(runId, analysisId);
    const jumps = new JumpDetector(manifest.lastPositions(analysisId, rois.rois.length));
    const drift = new DriftKeeper(manifest.driftReference(analysisId));
    this.measure = { stamp, rois, analysisId, jumps, drift };
    this.options.log.info(`measuring ${rois.rois.length} ROIs by ${method} (${roiManifestFile})`);
    return this.measure;
  }

  private async process(claim: Claim, measure: Measure): Promise<void> {
    const { log, manifest, nowUs } = this.options;
    const startedMs = performance.now();
    try {
      const path = join(claim.filepath, claim.filename);
      const { settings } = this.options;
      const answer = await measure.drift.run((reference) =>
        this.measureInPool({ path, roiManifestJson: measure.rois.json, settings, drift: reference ?? "make" }),
      );
      if (!answer.ok) {
        this.settleFailed(claim, answer.failure, measure.analysisId);
        return;
      }
      const result = answer.answer;
      const flags = measure.jumps.mark(result.position, result.standardError, result.flags);
      const astray = this.astray(result.displacement, measure.rois, claim);
      const outcome = manifest.together(() => {
        if (answer.driftReference !== undefined) manifest.keepDriftReference(measure.analysisId, answer.driftReference);
        return manifest.complete(claim, measure.analysisId, { ...result, flags, astray }, nowUs());
      });
      if (outcome === undefined) {
        log.warn(`${claim.filename}: a late answer was set aside, the frame was given out again`, {
          entry: claim.entryId,
        });
        return;
      }
      const tookMs = Math.round(performance.now() - startedMs);
      log.info(`${claim.filename}: measured in ${tookMs} ms`, { entry: claim.entryId });
      this.options.settled(true);
    } catch (thrown) {
      this.settleThrown(claim, encodeFailure(thrown), measure.analysisId);
    }
  }

  /** Whether the chip has moved too far; says so when that begins and ends. */
  private astray(moved: Displacement | undefined, rois: RoiManifest, claim: Claim): boolean {
    const { log, settings } = this.options;
    if (moved === undefined) return this.wasAstray;
    const astray = isAstray(moved, rois, settings.trackDrift === true);
    if (astray !== this.wasAstray) {
      const far = `${moved.dx.toFixed(1)} px across and ${moved.dy.toFixed(1)} px down`;
      const entry = { entry: claim.entryId };
      if (astray)
        log.warn(`the chip has moved ${far} since the first frame and is leaving its ROIs; calibrate again`, entry);
      else log.info(`the chip is in its ROIs again (${far})`, entry);
    }
    this.wasAstray = astray;
    return astray;
  }

  private async measureInPool(request: TaskRequest): Promise<TaskAnswer> {
    const { frameTimeoutMs } = this.options;
    const running = this.pool.run(request);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const seconds = (frameTimeoutMs / 1000).toFixed(0);
        reject(
          new Failure("analysis.failed", `not measured within ${seconds} s`, {
            hint: "Data_Analysis.frame_timeout_seconds",
          }),
        );
      }, frameTimeoutMs);
    });
    try {
      return await Promise.race([running, late]);
    } catch (thrown) {
      if (thrown instanceof Failure) this.replacePool(running);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Leaves a pool with a stuck thread behind: nothing may stand still for one picture. */
  private replacePool(stuck: Promise<TaskAnswer>): void {
    const { log } = this.options;
    log.error("a measuring thread hangs; the pool is replaced");
    stuck.catch((error: unknown) => log.debug(`the abandoned frame ended: ${error}`));
    this.pool = this.createPool();
  }

  /** The pool itself failed (a thread died): another try is due while attempts are left. */
  private settleThrown(claim: Claim, failure: FailureData, analysisId: number): void {
    const { log, manifest, maxAttempts } = this.options;
    if (failure.retry === "never" || claim.attempts >= maxAttempts) {
      this.settleFailed(claim, failure, analysisId);
      return;
    }
    log.warn(`${claim.filename}: ${failure.message}; attempt ${claim.attempts} of ${maxAttempts}`, {
      entry: claim.entryId,
    });
    manifest.release(claim, { countAttempt: true });
    this.options.settled(false);
  }

  private settleFailed(claim: Claim, failure: FailureData, analysisId?: number): void {
    const { log, manifest, nowUs } = this.options;
    const hint = failure.hint === undefined ? "" : ` (${failure.hint})`;
    manifest.fail(claim, failure, nowUs(), analysisId);
    if (failure.code === "frame.missing" && !existsSync(join(claim.filepath, claim.filename))) {
      manifest.markMissing(claim.entryId);
    }
    log.error(`${claim.filename}: failed: ${failure.message}${hint}`, { entry: claim.entryId });
    this.options.settled(false);
  }
}
