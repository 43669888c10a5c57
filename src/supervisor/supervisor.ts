// The one process of an experiment, drawn:
//
//   clock ─▶ collector thread ─ file durable ─▶ addEntry ──wake──▶ processing ─▶ pool ─▶ complete | fail
//                                               (manifest)                                  │ wake
//                                                        advanceOutput ◀─ communicator thread (CSV, plot)
//
// Only this thread writes the manifest. The stages talk through it alone; a wake-up says "look now" and carries
// nothing, so a lost one costs time and never data.

import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import { trackDrift } from "../analysis/drift.ts";
import { methodSettings } from "../analysis/resonance.ts";
import { roiManifestPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { LONGEST_TIMER_MS, withDeadline } from "../deadline.ts";
import { CSV_OUTPUT } from "../delivery/csv-output.ts";
import { Failure, failureLine } from "../failure.ts";
import { packageVersion } from "../files.ts";
import type { Logger } from "../log.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { Collecting } from "./collecting.ts";
import { Delivering } from "./delivering.ts";
import { FailureLog } from "./failure-log.ts";
import { Processing } from "./processing.ts";
import { recover } from "./recovery.ts";
import { Stage, type StageReport, stageDetail } from "./stage.ts";

export const RUNNING_STAGES = ["collector", "processor", "communicator"] as const;
export type RunningStage = (typeof RUNNING_STAGES)[number];

/** A file source reads its own data directory or another program's; the others make new pictures. */
const FILE_SOURCES = new Set(["file_importer", "folder"]);

const LONGEST_DELAY_MS = 60_000;
const WATCH_MS = 50;

export interface RunOptions {
  readonly config: Config;
  readonly configText: string;
  readonly log: Logger;
  /** Stop after this many captures. */
  readonly frames?: number;
  /** Stop once nothing is pending or undelivered. */
  readonly untilIdle?: boolean;
  readonly durationMs?: number;
}

export interface RunSummary {
  readonly captured: number;
  readonly processed: number;
  readonly failed: number;
  /** A stage that was faulted at the end, in words. */
  readonly fault: string | undefined;
  /** False when something in hand did not end in time. */
  readonly clean: boolean;
}

export class Supervisor {
  private readonly options: RunOptions;
  private readonly manifest: Manifest;
  private readonly runId: number;
  private readonly collecting: Collecting;
  private readonly processing: Processing;
  private readonly delivering: Delivering;
  private readonly stages: Readonly<Record<RunningStage, Stage<RunningStage>>>;
  private readonly finished: Promise<string>;
  private finish: (reason: string) => void = () => undefined;
  private readonly failureLog = new FailureLog();
  private heartbeat: NodeJS.Timeout | undefined;
  private processed = 0;

  /** Opens the manifest and makes good of what an earlier death left; starts nothing yet. */
  constructor(options: RunOptions) {
    this.options = options;
    const { config, log } = options;
    const { Paths: paths, Data_Analysis: analysis } = config;
    const manifestFile = join(paths.data_dir, MANIFEST_FILENAME);
    this.manifest = Manifest.open({ file: manifestFile });
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.runId = this.manifest.beginRun({
      config: options.configText,
      version: packageVersion(),
      nodeVersion: process.versions.node,
      host: hostname(),
      pid: process.pid,
      startedAtUs: nowUs(),
    });
    const isFileSource = FILE_SOURCES.has(config.Camera.camera_type);
    recover({
      manifest: this.manifest,
      dataDir: paths.data_dir,
      runId: this.runId,
      maxAttempts: analysis.max_attempts,
      adopt: config.Camera.camera_type !== "file_importer",
      log: log.stage("supervisor"),
      nowUs,
    });
    this.manifest.configureOutputs([CSV_OUTPUT]);
    this.collecting = new Collecting({
      config,
      manifest: this.manifest,
      manifestFile,
      runId: this.runId,
      log: log.stage("collector"),
      limit: options.frames,
      live: !isFileSource,
      collected: () => this.wake("processor"),
    });
    this.processing = new Processing({
      manifest: this.manifest,
      log: log.stage("processor"),
      runId: this.runId,
      settings: {
        ...methodSettings(analysis.method, analysis.number_of_subROIs, analysis.joint_line),
        sampling: analysis.sampling,
        bitDepthScaling: analysis.bit_depth_scaling,
        debug: config.Development.debug_mode,
        ...trackDrift(analysis.track_drift, analysis.sampling),
      },
      roiManifestFile: roiManifestPath(config),
      threads: analysis.workers === 0 ? availableParallelism() : analysis.workers,
      batchSize: analysis.batch_size,
      maxAttempts: analysis.max_attempts,
      frameTimeoutMs: analysis.frame_timeout_seconds * 1000,
      nowUs,
      settled: (ok) => this.settled(ok),
    });
    this.delivering = new Delivering({ config, manifest: this.manifest, manifestFile, log: log.stage("communicator") });
    this.stages = this.createStages();
  }

  /** Runs until asked to stop, or until what the options ask for is done. Ends with everything closed. */
  async run(): Promise<RunSummary> {
    const { config } = this.options;
    const startedMs = performance.now();
    for (const stage of Object.values(this.stages)) stage.start();
    const beatMs = config.Supervisor.heartbeat_seconds * 1000;
    this.heartbeat = setInterval(() => this.beat(), Math.min(beatMs, LONGEST_TIMER_MS));
    const watch = setInterval(() => {
      const reason = this.reasonToEnd(performance.now() - startedMs);
      if (reason !== undefined) this.finish(reason);
    }, WATCH_MS);
    const reason = await this.finished;
    clearInterval(watch);
    this.options.log.stage("supervisor").info(`stopping: ${reason}`);
    return this.shutDown(reason);
  }

  /** Asks for a clean stop; returns at once. */
  stop(reason: string): void {
    this.finish(reason);
  }

  reports(): StageReport<RunningStage>[] {
    return RUNNING_STAGES.map((name) => this.stages[name].report());
  }

  get counts() {
    return this.manifest.counts();
  }

  get captured(): number {
    return this.collecting.captured;
  }

  private createStages(): Record<RunningStage, Stage<RunningStage>> {
    const { Timing: timing, Retries: retries } = this.options.config;
    const common = {
      firstDelayMs: 1000,
      maxDelayMs: LONGEST_DELAY_MS,
      failureLimit: 5,
      moved: (report: StageReport<RunningStage>) => this.moved(report),
      now: () => performance.now(),
    };
    const reportMs = timing.communicator_interval_seconds * 1000;
    return {
      collector: new Stage({
        ...common,
        name: "collector",
        schedule: { kind: "cadence", everyMs: timing.collector_interval_seconds * 1000 },
        work: (signal, dueMs) => this.collecting.work(signal, dueMs),
        firstDelayMs: retries.collector_retry_delay_seconds * 1000,
        failureLimit: retries.collector_failure_limit,
        recover: retries.recover,
      }),
      processor: new Stage({
        ...common,
        name: "processor",
        schedule: { kind: "demand", atLeastEveryMs: timing.processor_interval_seconds * 1000, atMostEveryMs: 0 },
        work: () => this.processing.work(),
      }),
      communicator: new Stage({
        ...common,
        name: "communicator",
        schedule: { kind: "demand", atLeastEveryMs: reportMs, atMostEveryMs: reportMs },
        work: () => this.delivering.work(),
      }),
    };
  }

  private wake(name: RunningStage): void {
    this.stages[name].wake();
  }

  private settled(ok: boolean): void {
    if (ok) this.processed += 1;
    this.wake("processor");
    this.wake("communicator");
  }

  private moved(report: StageReport<RunningStage>): void {
    const { recover } = this.options.config.Retries;
    this.failureLog.note(report, this.options.log.stage(report.name), report.name !== "collector" || recover);
    if (report.state === "backing_off" || report.state === "faulted") this.beat();
  }

  /** Why a scripted run may end now; undefined while it may not. */
  private reasonToEnd(elapsedMs: number): string | undefined {
    const { durationMs, frames, untilIdle } = this.options;
    if (durationMs !== undefined && elapsedMs >= durationMs) return "duration reached";
    const collector = this.stages.collector.report();
    if (frames !== undefined && collector.state === "faulted") return "the collector is faulted";
    const enough = frames !== undefined && this.collecting.captured >= frames;
    if (enough && !untilIdle) return `${frames} frames captured`;
    if (!untilIdle || collector.state === "running") return undefined;
    const seen = collector.passes > 0 && !this.collecting.more;
    const collected = frames === undefined ? seen : enough || this.collecting.dry;
    if (!collected || this.processing.framesInHand > 0) return undefined;
    const { pending, processing } = this.manifest.counts();
    return pending === 0 && processing === 0 ? "idle" : undefined;
  }

  private async shutDown(reason: string): Promise<RunSummary> {
    const limitMs = this.options.config.Supervisor.shutdown_timeout_seconds * 1000;
    const log = this.options.log.stage("supervisor");
    const deadlineMs = performance.now() + limitMs;
    const leftMs = () => Math.max(100, deadlineMs - performance.now());
    const fault = this.faultLine();
    let clean = true;
    const attempt = async (what: string, step: () => Promise<void>): Promise<void> => {
      try {
        const limitMs = leftMs();
        const late = () => new Failure("internal", `not done within ${(limitMs / 1000).toFixed(1)} s`);
        await withDeadline(step(), limitMs, late);
      } catch (thrown) {
        clean = false;
        log.error(`${what}: ${failureLine(thrown)}`);
      }
    };
    // The picture in hand is finished; a capture that takes longer than half the limit is given up.
    const abandon = setTimeout(() => void this.stages.collector.stop({ abandon: true }), limitMs / 2);
    await attempt("collector", () => this.stages.collector.stop());
    clearTimeout(abandon);
    await attempt("processor", () => this.stages.processor.stop());
    await attempt("processor", () => this.processing.stop(leftMs()));
    await attempt("communicator", () => this.stages.communicator.stop());
    await attempt("last report", () => this.delivering.flush());
    await attempt("collector", () => this.collecting.close(leftMs()));
    await attempt("communicator", () => this.delivering.close(leftMs()));
    clearInterval(this.heartbeat);
    this.beat();
    const failed = this.manifest.failedInRun(this.runId);
    await attempt("end of the run", async () => this.manifest.endRun(this.runId, nowUs(), reason));
    await attempt("manifest", async () => this.manifest.close());
    return { captured: this.collecting.captured, processed: this.processed, failed, fault, clean };
  }

  private faultLine(): string | undefined {
    const faulted = this.reports().find((report) => report.state === "faulted");
    return faulted === undefined ? undefined : `${faulted.name}: ${faulted.lastFailure?.message ?? "faulted"}`;
  }

  /** One transaction for all heartbeats; a disk too full for it must not end the run. */
  private beat(): void {
    try {
      this.manifest.storeHeartbeats(
        this.reports().map((report) => ({
          stage: report.name,
          state: report.state,
          atUs: nowUs(),
          detail: stageDetail(report),
        })),
      );
    } catch (thrown) {
      this.options.log.stage("supervisor").warn(`heartbeat not stored: ${failureLine(thrown)}`);
    }
  }
}

/** µs since the epoch, UTC, as the wall clock stands now. */
function nowUs(): number {
  return Date.now() * 1000;
}
