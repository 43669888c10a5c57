// Measures frames again under a separate analysis, with the same stage that measures them in a run.
import { setTimeout as sleep } from "node:timers/promises";
import { kernelVersion } from "../../analysis/native-kernel.ts";
import type { AnalysisSettings } from "../../analysis/settings.ts";
import type { StageLog } from "../../log/logger.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { PictureRoots } from "../../manifest/picture-place.ts";
import type { RoiManifest } from "../../measurement/roi.ts";
import { backOff } from "../../system/back-off.ts";
import { type FrameAgain, FramesAgain } from "./frames-again.ts";
import { openMeasure } from "./measure.ts";
import { Processor } from "./stage.ts";

export interface AnalysesAgain {
  readonly analysisId: number;
  /** The tracking analysis: the same one, or that of the companion; undefined if nothing is tracked. */
  readonly trackingId: number | undefined;
}

export interface MeasuredWith {
  readonly settings: AnalysisSettings;
  /** Settings of a tracking measured along with it. */
  readonly companion: AnalysisSettings | undefined;
  readonly rois: RoiManifest;
}

/**
 * Returns the analyses for frames that are measured again; adds those that are new. Throws Failure `usage.invalid` if the name is
 * taken.
 */
export function analysesAgain(
  manifest: Manifest,
  { settings, companion, rois }: MeasuredWith,
  name: string | undefined,
  nowUs: number,
): AnalysesAgain {
  return manifest.together(() => {
    const { analyses } = manifest;
    const roiManifestId = analyses.ensureRoiManifest(rois);
    const newOf = ({ method, debug: _, ...others }: AnalysisSettings) => {
      return { method, settings: JSON.stringify(others), roiManifestId, kernelVersion: kernelVersion() };
    };
    const analysisId = analyses.ensureAgain(newOf(settings), { name }, nowUs);
    if (settings.method === "tracking") return { analysisId, trackingId: analysisId };
    if (companion === undefined) return { analysisId, trackingId: undefined };
    const trackingId = analyses.ensureAgain(newOf(companion), { name: undefined, alongWith: analysisId }, nowUs);
    analyses.noteCompanion(analysisId, trackingId);
    return { analysisId, trackingId };
  });
}

export interface RemeasuringOptions extends MeasuredWith, AnalysesAgain {
  readonly manifest: Manifest;
  /** In order of capture; without those that the analysis has measured. */
  readonly frames: readonly FrameAgain[];
  readonly pictures: PictureRoots;
  readonly log: StageLog;
  readonly threads: number;
  readonly maxAttempts: number;
  readonly frameTimeoutMs: number;
  readonly signal: AbortSignal;
  nowUs(): number;
  checkPlace(): void;
  /** Called when a frame has a result, or has failed for good. */
  settled(outcome: "measured" | "failed"): void;
  /** Called when the image of a frame is in none of its places. */
  gone(frame: FrameAgain): void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/**
 * Number of consecutive failures, without a measured frame in between, after which to give up: the same command continues later.
 */
const FAILURE_LIMIT = 5;
const STOP_WITHIN_MS = 20_000;
/** Longest time between two checks of the queue. */
const LOOK_EVERY_MS = 1000;

/**
 * Measures the frames. Returns the names of those whose images cannot be read although others can; they may be tried again later.
 * Rejects with a Failure if the disk or the database fails, and with the reason of the signal if it is aborted. Results up to
 * then are stored.
 */
export async function remeasure(options: RemeasuringOptions): Promise<readonly string[]> {
  const { manifest, frames, pictures, analysisId, signal } = options;
  let failures = 0;
  let wake: () => void = () => undefined;
  const queue = new FramesAgain({
    ...{ manifest, frames, remoteRoot: pictures.remoteRoot, gone: options.gone },
    settled: (outcome) => {
      failures = 0;
      options.settled(outcome);
    },
  });
  const measure = openMeasure(manifest, { ...options, analysisId, stamp: "" });
  const processor = new Processor({
    ...{ manifest, pictures, queue, runId: 0, roiManifestFile: "" },
    ...{ settings: options.settings, log: options.log, nowUs: options.nowUs, checkPlace: options.checkPlace },
    ...(options.companion === undefined ? {} : { companion: options.companion }),
    measure: { get: async () => measure, markRegistration: async () => undefined },
    threads: options.threads,
    batchSize: options.threads,
    maxAttempts: options.maxAttempts,
    frameTimeoutMs: options.frameTimeoutMs,
    everyMs: LOOK_EVERY_MS,
    happened: () => wake(),
  });
  // One listener for all waits: one for each would stay on the signal until the end.
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    await processor.prepare();
    for (;;) {
      signal.throwIfAborted();
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      try {
        await processor.run();
      } catch (thrown) {
        failures += 1;
        if (failures >= FAILURE_LIMIT) throw thrown;
        await sleep(backOff(FIRST_DELAY_MS, LONGEST_DELAY_MS, failures), undefined, { signal });
        continue;
      }
      if (processor.idle()) return processor.filesSetAside().map(({ name }) => name);
      await Promise.race([woken, sleep(LOOK_EVERY_MS, undefined, { ref: false })]);
    }
  } finally {
    await processor.flush(STOP_WITHIN_MS);
  }
}
