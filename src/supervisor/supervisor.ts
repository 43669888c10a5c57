// The main process of an experiment. How a frame moves through it:
//
//   clock ─▶ collector thread ─ file durable ─▶ entries.add ──wake──▶ processing ─▶ pool ─▶ complete | fail
//                                               (manifest)                                     │ wake
//                                                       outputs.advance ◀─ communicator thread (CSV, plot)
//                                                                       ◀─ opcua thread (the plant's server)
//
// Only this thread writes the manifest, and stages communicate only through the manifest. A wake-up carries no data: it only
// tells a stage that there may be work, so a lost one costs time but never data.

import type { DarkLevel } from "../analysis/dark-level.ts";
import { checkPlace } from "../archive/directory-identity.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import { type CameraInUse, cameraInUse } from "../health/camera-in-use.ts";
import { clockBehindLine, clockFacts } from "../health/clock-behind.ts";
import type { Logger, StageLog } from "../log/logger.ts";
import type { StageName } from "../log/stage-names.ts";
import { LockNotice } from "../manifest/lock-notice.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { PipelineEvent, StageDefinition } from "../stages/contract/stage-definition.ts";
import type { StageReport } from "../stages/contract/stage-report.ts";
import { STAGES } from "../stages/stages.ts";
import { wallClockUs } from "../system/clock.ts";
import { DamageWatch } from "./damage-watch.ts";
import { EnvironmentWatch } from "./environment-watch.ts";
import { FailureLog } from "./failure-log.ts";
import { Heartbeat } from "./heartbeat.ts";
import { closeManifest, type OpenRun, openRun } from "./open-run.ts";
import { settleForms } from "./recovery.ts";
import { Shutdown } from "./shutdown.ts";
import type { RunningStage } from "./stage.ts";
import { StageSet } from "./stage-set.ts";
import { StopCondition, type StopOptions } from "./stop-condition.ts";
import { adoptForeign } from "./unknown-files.ts";
import { WebHost } from "./web-host.ts";

const WATCH_MS = 50;
/** Longest wait for the page at the end of a run; then it is stopped by force, which does not count as a failure of the run. */
const PAGE_CLOSE_MS = 3000;
/** How long closing may take if a run cannot begin, or fails. */
const GIVE_UP_MS = 5000;
/** Events that the page shows at once; for everything else it checks with each heartbeat. */
const SHOWN_AT_ONCE: ReadonlySet<PipelineEvent> = new Set(["measured", "failed", "brightfield"]);

export interface RunOptions extends StopOptions {
  readonly config: Config;
  readonly configText: string;
  readonly log: Logger;
  /** By "Section.key": where a setting came from, in words. */
  readonly origins?: Readonly<Record<string, string>>;
  /** The result of readDarkLevel. */
  readonly darkLevel?: DarkLevel | undefined;
  /** Shows a line to the user that must not be in a log. */
  announce?(line: string): void;
}

export interface RunSummary {
  readonly captured: number;
  readonly processed: number;
  readonly failed: number;
  /** A stage that was faulted at the end, in words. */
  readonly fault: string | undefined;
  /** False if work in progress did not end in time. */
  readonly clean: boolean;
  /** Another disk was mounted in place of the experiment's: everything has to be reopened. */
  readonly displaced: boolean;
  /** Why there was no web page although it is enabled. */
  readonly pageProblem: string | undefined;
}

export class Supervisor {
  private readonly options: RunOptions;
  private readonly log: StageLog;
  private readonly opened: OpenRun;
  private readonly manifest: Manifest;
  private readonly stages: StageSet;
  private readonly environment: EnvironmentWatch;
  private readonly damage: DamageWatch;
  private readonly heartbeat: Heartbeat;
  private readonly stopCondition: StopCondition;
  private readonly failureLog = new FailureLog();
  private readonly counted = { captured: 0, measured: 0 };
  private readonly finished: Promise<string>;
  private finish: (reason: string) => void = () => undefined;
  /** The page; absent if it is not enabled. */
  private webHost: WebHost | undefined;
  private closed = false;

  private constructor(options: RunOptions, opened: OpenRun) {
    const { config, log } = options;
    const { manifest, place } = opened;
    this.options = options;
    this.log = log.stage("supervisor");
    this.opened = opened;
    this.manifest = manifest;
    this.environment = new EnvironmentWatch(place, this.log);
    this.damage = new DamageWatch(manifest, this.log);
    this.stages = new StageSet({ log, damage: this.damage, moved: (stage, report) => this.moved(stage, report) });
    this.heartbeat = new Heartbeat({
      ...{ config, log, manifest, stages: this.stages, environment: this.environment, damage: this.damage },
      displaced: () => this.finish("the disk is back as a new device; reopening all files"),
      beaten: () => this.webHost?.look(),
    });
    this.stopCondition = new StopCondition(options, {
      ...{ stages: this.stages.all, manifest, log: this.log },
      captured: () => this.captured,
    });
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /**
   * Opens the database, recovers from an interrupted run and opens the stages; starts none yet. Rejects with the errors of these
   * steps, and then leaves nothing open. `definitions`: the available stages.
   */
  static async open(options: RunOptions, definitions: readonly StageDefinition[] = STAGES): Promise<Supervisor> {
    const opened = openRun(options.config, options.configText, options.log.stage("supervisor"));
    const supervisor = new Supervisor(options, opened);
    try {
      supervisor.openStages(definitions);
    } catch (error) {
      await supervisor.close();
      throw error;
    }
    return supervisor;
  }

  /**
   * Runs until a stop is requested, or until the work that the options ask for is done. Everything is closed at the end, even if
   * it rejects.
   */
  async run(): Promise<RunSummary> {
    try {
      const startedMs = performance.now();
      await this.start();
      const reason = await this.untilFinished(startedMs);
      this.log.info(`stopping: ${reason}`);
      return await this.shutDown(reason);
    } finally {
      await this.close();
    }
  }

  private async start(): Promise<void> {
    const { log } = this;
    await settleForms(this.opened.interrupted, this.manifest, log).catch((thrown: unknown) => {
      log.error(`cannot complete an interrupted compression: ${failureLine(thrown)}; the next start retries`);
    });
    await adoptForeign(this.opened.interrupted.foreign, { ...this.opened, config: this.options.config, log });
    const clock = clockFacts(this.manifest, wallClockUs());
    const behind = clock === undefined ? undefined : clockBehindLine(clock);
    if (behind !== undefined) log.warn(behind);
    // From here on nothing may block, and everything that was done must be recorded.
    const waiting = "capture continues, everything else waits";
    this.manifest.lockWait.neverBlockOnLock(Number.POSITIVE_INFINITY, new LockNotice(log, waiting));
    this.stages.start();
    this.webHost?.start();
    this.heartbeat.start();
  }

  private async untilFinished(startedMs: number): Promise<string> {
    const watch = setInterval(() => {
      const reason = this.reasonToEnd(performance.now() - startedMs);
      if (reason !== undefined) this.finish(reason);
    }, WATCH_MS);
    try {
      return await this.finished;
    } finally {
      clearInterval(watch);
    }
  }

  /** A database that cannot be read is no reason to end: the stages that use it report that. */
  private reasonToEnd(elapsedMs: number): string | undefined {
    try {
      return this.stopCondition.reason(elapsedMs);
    } catch (thrown) {
      this.damage.look();
      this.log.debug(`cannot determine whether work is left: ${failureLine(thrown)}`);
      return undefined;
    }
  }

  /** Requests a clean stop; returns at once. */
  stop(reason: string): void {
    this.finish(reason);
  }

  /** Closes what is open without finishing any work: for a run that does not begin, or fails. Does nothing after a run. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.heartbeat.stop();
    const shutdown = new Shutdown(GIVE_UP_MS, this.log);
    const { webHost } = this;
    if (webHost !== undefined) await shutdown.attempt("web page", () => webHost.close(PAGE_CLOSE_MS));
    await shutdown.closeStages(this.stages.all);
    closeManifest(this.manifest, this.log);
  }

  reports(): StageReport<StageName>[] {
    return this.stages.reports();
  }

  get counts() {
    return this.manifest.history.counts();
  }

  /** The camera in use; undefined if it is disabled. */
  get camera(): CameraInUse | undefined {
    return cameraInUse(this.options.config);
  }

  /** Frames captured since the start. */
  get captured(): number {
    return this.counted.captured;
  }

  private openStages(definitions: readonly StageDefinition[]): void {
    const { config, darkLevel, frames } = this.options;
    const { interrupted, manifest, manifestFile, place, runId } = this.opened;
    this.stages.open(definitions, {
      ...{ config, darkLevel, frames, manifest, manifestFile, place, runId },
      skippedAtStart: interrupted.skipped,
      filesInUse: new Set<number>(),
      nowUs: wallClockUs,
      checkPlace: () => checkPlace(place),
      happened: (event: PipelineEvent, frames?: number) => this.happened(event, frames),
      alarm: () => this.damage.look() ?? this.stages.failing(),
    });
    if (config.Web.enabled) this.webHost = this.createWebHost();
  }

  private createWebHost(): WebHost {
    const { config, log, origins = {}, announce = () => undefined } = this.options;
    const { manifest, manifestFile } = this.opened;
    const { brightfield } = this.stages;
    const nextCaptureMs = () => (cameraInUse(config) === undefined ? undefined : this.stages.nextCaptureMs());
    return new WebHost({
      ...{ config, origins, manifest, manifestFile, brightfield, nextCaptureMs, announce },
      log: log.stage("web"),
    });
  }

  /** Wakes the stages that wait for the event. */
  private happened(event: PipelineEvent, frames = 1): void {
    if (event === "captured" || event === "measured") this.counted[event] += frames;
    this.stages.wake(event);
    if (SHOWN_AT_ONCE.has(event)) this.webHost?.look();
  }

  private moved({ name, work }: RunningStage, report: StageReport<StageName>): void {
    if (this.damage.isDamage(report.lastFailure)) return;
    if (work.moved !== undefined) work.moved(report);
    else this.failureLog.note(report, this.options.log.stage(name), work.retry?.recover !== false);
    if (report.state === "backing_off" || report.state === "faulted") this.heartbeat.beat();
  }

  private async shutDown(reason: string): Promise<RunSummary> {
    const limitMs = this.options.config.Supervisor.shutdown_timeout_seconds * 1000;
    const shutdown = new Shutdown(limitMs, this.log);
    this.failureLog.end();
    this.manifest.lockWait.endWithin(limitMs / 2);
    // Checked before the stages are stopped.
    const fault = this.damage.look() ?? this.stages.faulted();
    const pageClosed = this.webHost?.close(PAGE_CLOSE_MS);
    await shutdown.endStages(this.stages.all);
    // Closed before the manifest, which becomes one plain file only if no one is reading it.
    await pageClosed;
    this.heartbeat.end();
    let failed = 0;
    let undone: string | undefined;
    // Counted after the last frame in progress: later, `status` counts from this number.
    await shutdown.attempt("count of failures", async () => {
      failed = this.manifest.runs.failedEntries(this.opened.runId);
      if (fault === undefined) undone = this.stages.leftUndone();
    });
    const { manifest, runId } = this.opened;
    await shutdown.attempt("end of the run", () =>
      manifest.whenFree(() => manifest.runs.end(runId, wallClockUs(), reason)),
    );
    await shutdown.attempt("manifest", async () => {
      this.manifest.close();
      const { closingNote } = this.manifest;
      if (closingNote !== undefined) this.log.error(closingNote);
    });
    this.closed = true;
    const { clean } = shutdown;
    const { displaced } = this.environment;
    // A last check of the file may find damage that no stage has met.
    const lateFault = fault ?? this.damage.look() ?? undone;
    const { captured, measured: processed } = this.counted;
    const pageProblem = this.webHost?.problem;
    return { captured, processed, failed, fault: lateFault, clean, displaced, pageProblem };
  }
}
