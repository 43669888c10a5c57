// The one process of an experiment, drawn:
//
//   clock ─▶ collector thread ─ file durable ─▶ addEntry ──wake──▶ processing ─▶ pool ─▶ complete | fail
//                                               (manifest)                                  │ wake
//                                                        advanceOutput ◀─ communicator thread (CSV, plot)
//                                                                      ◀─ opcua thread (the plant's server)
//
// Only this thread writes the manifest. The stages talk through it alone; a wake-up says "look now" and carries
// nothing, so a lost one costs time and never data.

import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import type { DarkLevel } from "../analysis/dark-level.ts";
import { checkPlace, markPlace, type Place } from "../archive/place.ts";
import { FILE_CAMERAS } from "../cameras/camera.ts";
import { roiManifestPath, wantsOpcUa } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { CSV_OUTPUT } from "../delivery/csv-output.ts";
import { encodeFailure, failureLine } from "../failure/failure.ts";
import { type CameraInUse, cameraInUse } from "../health/camera-in-use.ts";
import { clockBehindLine, clockFacts } from "../health/clock-behind.ts";
import { FrozenCameraWatch } from "../health/frozen-camera.ts";
import type { StageName } from "../health/stage-names.ts";
import { storedSetAside } from "../health/stored-set-aside.ts";
import type { Logger } from "../log/logger.ts";
import { LockNotice } from "../manifest/lock-notice.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { pictureRoots } from "../manifest/picture-place.ts";
import type { StoredSetAside } from "../manifest/runs.ts";
import { OPC_UA_OUTPUT } from "../outputs/opcua/output-state.ts";
import { Collector, captureSchedule } from "../stages/collector/stage.ts";
import { Communicator } from "../stages/communicator/stage.ts";
import { healthStage, wantsHealth } from "../stages/health/stage.ts";
import { OpcUaStage } from "../stages/opcua/stage.ts";
import { analysisSettings } from "../stages/processor/analysis-settings.ts";
import { Processor } from "../stages/processor/stage.ts";
import { PATIENCE, type StagePart, stageOf } from "../stages/stage-definition.ts";
import { storageParts } from "../stages/stages.ts";
import { wallClockUs } from "../system/clock.ts";
import { LONGEST_TIMER_MS } from "../system/deadline.ts";
import { packageVersion } from "../system/files.ts";
import { DamageWatch } from "./damage-watch.ts";
import { EnvironmentWatch, refusedByDisk } from "./environment-watch.ts";
import { FailureLog } from "./failure-log.ts";
import { type Interrupted, recover, settleForms } from "./recovery.ts";
import { Shutdown } from "./shutdown.ts";
import { Stage, type StageReport, stageDetail } from "./stage.ts";
import { StopCondition, type StopOptions } from "./stop-condition.ts";
import { WebHost } from "./web-host.ts";

/** Stages that work on while the database is damaged, because they tell people or the plant of it. */
const SPEAKS_OF_DAMAGE: ReadonlySet<StageName> = new Set(["health", "opcua"]);

const WATCH_MS = 50;
/** Longer than this nobody waits for the page at the end of a run; a slow page is ended by force and is no fault of the run. */
const PAGE_CLOSE_MS = 3000;

export interface RunOptions extends StopOptions {
  readonly config: Config;
  readonly configText: string;
  readonly log: Logger;
  /** By "Section.key": where a setting came from, in words. */
  readonly origins?: Readonly<Record<string, string>>;
  /** By readDarkLevel. */
  readonly darkLevel?: DarkLevel | undefined;
  /** Shows a person a line that must not be in a log. */
  announce?(line: string): void;
}

export interface RunSummary {
  readonly captured: number;
  readonly processed: number;
  readonly failed: number;
  /** A stage that was faulted at the end, in words. */
  readonly fault: string | undefined;
  /** False when something in hand did not end in time. */
  readonly clean: boolean;
  /** The disk went away and came back as a new one: everything has to be opened anew. */
  readonly displaced: boolean;
}

export class Supervisor {
  private readonly options: RunOptions;
  private readonly manifest: Manifest;
  private readonly runId: number;
  private readonly collecting: Collector;
  private readonly processing: Processor;
  private readonly delivering: Communicator;
  private readonly surroundings: EnvironmentWatch;
  /** The page; absent where none is wanted. */
  private readonly serving: WebHost | undefined;
  private readonly interrupted: Interrupted;
  /** The stages beside capture, measurement and report, as far as the configuration wants them. */
  private readonly parts: readonly StagePart[];
  private readonly stages: ReadonlyMap<StageName, Stage<StageName>>;
  private readonly finished: Promise<string>;
  private finish: (reason: string) => void = () => undefined;
  private readonly ending: StopCondition;
  private readonly failureLog = new FailureLog();
  private readonly frozenCamera: FrozenCameraWatch;
  private readonly damage: DamageWatch;
  private heartbeat: NodeJS.Timeout | undefined;
  private processed = 0;
  private ended = false;

  /** Opens the manifest and makes good of what an earlier death left; starts nothing yet. */
  constructor(options: RunOptions) {
    this.options = options;
    const { config, log } = options;
    const { Paths: paths, Data_Analysis: analysis } = config;
    const manifestFile = join(paths.data_dir, MANIFEST_FILENAME);
    const place: Place = {
      mark: markPlace(paths.data_dir),
      dataDir: paths.data_dir,
      rootDir: paths.root_dir,
      usbUuid: config.Storage.usb_uuid,
    };
    this.frozenCamera = new FrozenCameraWatch(log.stage("collector"));
    this.surroundings = new EnvironmentWatch(place, log.stage("supervisor"));
    this.manifest = Manifest.open({ file: manifestFile });
    this.damage = new DamageWatch(this.manifest, log.stage("supervisor"));
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.runId = this.manifest.beginRun({
      config: options.configText,
      version: packageVersion(),
      nodeVersion: process.versions.node,
      host: hostname(),
      pid: process.pid,
      startedAtUs: wallClockUs(),
    });
    const isFileSource = FILE_CAMERAS.has(config.Camera.camera_type);
    this.interrupted = recover({
      manifest: this.manifest,
      dataDir: paths.data_dir,
      runId: this.runId,
      maxAttempts: analysis.max_attempts,
      remoteRoot: paths.remote_root_dir,
      adopt: config.Camera.camera_type !== "file_importer",
      followLinks: config.Camera.follow_links,
      log: log.stage("supervisor"),
      nowUs: wallClockUs,
    });
    this.manifest.configureOutputs([
      ...(config.Communication.method.includes("CSV_PLOT") ? [CSV_OUTPUT] : []),
      ...(wantsOpcUa(config) ? [OPC_UA_OUTPUT] : []),
    ]);
    this.collecting = new Collector({
      config,
      manifest: this.manifest,
      manifestFile,
      place,
      runId: this.runId,
      log: log.stage("collector"),
      limit: options.frames,
      live: !isFileSource,
      collected: () => {
        this.wake("processor");
      },
      untilCaptureMs: () => this.untilCaptureMs(),
      brightfieldChanged: () => this.serving?.look(),
    });
    this.collecting.skipped.foundAtStart(this.interrupted.skipped);
    this.processing = new Processor({
      manifest: this.manifest,
      log: log.stage("processor"),
      runId: this.runId,
      ...analysisSettings(config, options.darkLevel),
      roiManifestFile: roiManifestPath(config),
      pictures: pictureRoots(config),
      threads: analysis.workers === 0 ? availableParallelism() : analysis.workers,
      batchSize: analysis.batch_size,
      maxAttempts: analysis.max_attempts,
      frameTimeoutMs: analysis.frame_timeout_seconds * 1000,
      nowUs: wallClockUs,
      checkPlace: () => checkPlace(place),
      settled: (ok) => this.settled(ok),
      freed: () => this.wake("processor"),
    });
    // A picture may be removed once every output has passed its frame.
    const output = { config, manifest: this.manifest, manifestFile, advanced: () => this.wake("retention") };
    this.delivering = new Communicator({ ...output, log: log.stage("communicator") });
    const plant = { ...output, log: log.stage("opcua"), alarm: () => this.alarm() };
    this.parts = [
      // Only where it is configured: it costs a thread and 100 MB.
      ...(wantsOpcUa(config) ? [new OpcUaStage(plant)] : []),
      ...storageParts({
        config,
        manifest: this.manifest,
        manifestFile,
        place,
        log,
        wake: (name) => this.wake(name),
        nowUs: wallClockUs,
      }),
      ...(wantsHealth(config) ? [healthStage({ config, log: log.stage("health") })] : []),
    ];
    this.stages = this.createStages();
    const { collecting, processing, parts } = this;
    this.ending = new StopCondition(options, {
      ...{ collecting, processing, parts },
      manifest: this.manifest,
      log: log.stage("supervisor"),
      report: (name) => this.stage(name).report(),
      wake: (name) => this.wake(name),
    });
    this.serving = config.Web.enabled ? this.createServing(manifestFile) : undefined;
  }

  /** Runs until asked to stop, or until what the options ask for is done. Ends with everything closed. */
  async run(): Promise<RunSummary> {
    const { config } = this.options;
    const startedMs = performance.now();
    const log = this.options.log.stage("supervisor");
    await settleForms(this.interrupted, this.manifest, log).catch((thrown: unknown) => {
      log.error(`an interrupted compression is not put right yet, the next start tries again: ${failureLine(thrown)}`);
    });
    const clock = clockFacts(this.manifest, wallClockUs());
    const behind = clock === undefined ? undefined : clockBehindLine(clock);
    if (behind !== undefined) log.warn(behind);
    // From here on nothing may stand still, and nothing that has been done may go unrecorded.
    const waiting = "pictures are taken as before, everything else waits";
    this.manifest.lockWait.neverStandStill(Number.POSITIVE_INFINITY, new LockNotice(log, waiting));
    for (const stage of this.stages.values()) stage.start();
    this.serving?.start();
    const beatMs = config.Supervisor.heartbeat_seconds * 1000;
    this.heartbeat = setInterval(() => this.beat(), Math.min(beatMs, LONGEST_TIMER_MS));
    const watch = setInterval(() => {
      const reason = this.reasonToEnd(performance.now() - startedMs);
      if (reason !== undefined) this.finish(reason);
    }, WATCH_MS);
    const reason = await this.finished;
    clearInterval(watch);
    log.info(`stopping: ${reason}`);
    return this.shutDown(reason);
  }

  /** A database that cannot be asked is no reason to end: the stages that meet it say so. */
  private reasonToEnd(elapsedMs: number): string | undefined {
    try {
      return this.ending.reason(elapsedMs);
    } catch (thrown) {
      this.damage.look();
      this.options.log.stage("supervisor").debug(`cannot tell whether anything is left to do: ${failureLine(thrown)}`);
      return undefined;
    }
  }

  /** Asks for a clean stop; returns at once. */
  stop(reason: string): void {
    this.finish(reason);
  }

  reports(): StageReport<StageName>[] {
    return [...this.stages.values()].map((stage) => stage.report());
  }

  get counts() {
    return this.manifest.counts();
  }

  /** What is photographed; undefined where the camera is switched off. */
  get camera(): CameraInUse | undefined {
    return cameraInUse(this.options.config);
  }

  get captured(): number {
    return this.collecting.captured;
  }

  private createServing(manifestFile: string): WebHost {
    const { config, log, origins = {}, announce = () => undefined } = this.options;
    const nextCaptureMs = () => {
      const { nextRunMs } = this.stage("collector").report();
      return nextRunMs === undefined ? undefined : Date.now() + nextRunMs - performance.now();
    };
    const { manifest, collecting } = this;
    const { brightfield } = collecting;
    return new WebHost({
      ...{ config, origins, manifest, manifestFile, brightfield, nextCaptureMs, announce },
      log: log.stage("web"),
    });
  }

  /** See CollectorOptions. */
  private untilCaptureMs(): number {
    const { state, nextRunMs } = this.stage("collector").report();
    return state === "waiting" && nextRunMs !== undefined ? Math.max(0, nextRunMs - performance.now()) : 0;
  }

  private createStages(): Map<StageName, Stage<StageName>> {
    const { Timing: timing, Retries: retries } = this.options.config;
    const moved = (report: StageReport<StageName>) => this.moved(report);
    const common = { ...PATIENCE, moved, now: () => performance.now() };
    const reportMs = timing.communicator_interval_seconds * 1000;
    const stages: Stage<StageName>[] = [
      new Stage({
        ...common,
        name: "collector",
        schedule: captureSchedule(timing.collector_interval_seconds),
        prepare: (signal) => this.collecting.prepare(signal),
        work: (signal, dueMs) => this.collecting.work(signal, dueMs),
        firstDelayMs: retries.collector_retry_delay_seconds * 1000,
        failureLimit: retries.collector_failure_limit,
        recover: retries.recover,
      }),
      new Stage({
        ...common,
        name: "processor",
        schedule: { kind: "demand", atLeastEveryMs: timing.processor_interval_seconds * 1000, atMostEveryMs: 0 },
        prepare: () => this.processing.prepare(),
        work: this.damage.guarded(() => this.processing.work()),
      }),
      new Stage({
        ...common,
        name: "communicator",
        schedule: { kind: "demand", atLeastEveryMs: reportMs, atMostEveryMs: reportMs },
        work: this.damage.guarded(() => this.delivering.work()),
      }),
      ...this.parts.map((part) => {
        const work = (signal: AbortSignal) => part.work(signal);
        return stageOf(part, moved, SPEAKS_OF_DAMAGE.has(part.name) ? work : this.damage.guarded(work));
      }),
    ];
    return new Map(stages.map((stage) => [stage.report().name, stage]));
  }

  private stage(name: StageName): Stage<StageName> {
    const stage = this.stages.get(name);
    if (stage === undefined) throw new Error(`the stage ${name} is not part of this run`);
    return stage;
  }

  private part(name: StageName): StagePart | undefined {
    return this.parts.find((part) => part.name === name);
  }

  /** What `status` shows beside a stage. Missed ticks must not hide which pictures are skipped. */
  private detailOf(report: StageReport<StageName>): string {
    const detail = stageDetail(report);
    if (report.name !== "collector") return detail || (this.part(report.name)?.note?.() ?? "");
    const note = report.lastFailure === undefined ? this.collecting.note() : "";
    return [detail, note].filter((part) => part !== "").join("; ");
  }

  private setAsideOf(name: StageName): StoredSetAside | undefined {
    const own = { collector: this.collecting, processor: this.processing };
    const stage = name === "collector" || name === "processor" ? own[name] : this.part(name);
    const files = stage?.filesSetAside?.() ?? [];
    return files.length === 0 ? undefined : storedSetAside(files, wallClockUs());
  }

  private wake(name: StageName): void {
    this.stages.get(name)?.wake();
  }

  private settled(ok: boolean): void {
    if (ok) this.processed += 1;
    this.wake("communicator");
    this.wake("opcua");
    this.serving?.look();
  }

  /** What the plant is told is wrong. */
  private alarm(): string {
    const damage = this.damage.look();
    if (damage !== undefined) return damage;
    const ill = this.reports().filter(({ state }) => state === "faulted" || state === "backing_off");
    return ill.map(({ name, lastFailure }) => `${name}: ${lastFailure?.message ?? "failing"}`).join("; ");
  }

  private moved(report: StageReport<StageName>): void {
    const { recover } = this.options.config.Retries;
    const part = this.part(report.name);
    if (this.damage.isDamage(report.lastFailure)) return;
    if (part?.moved !== undefined) part.moved(report);
    else this.failureLog.note(report, this.options.log.stage(report.name), report.name !== "collector" || recover);
    if (report.state === "backing_off" || report.state === "faulted") this.beat();
  }

  private async shutDown(reason: string): Promise<RunSummary> {
    const limitMs = this.options.config.Supervisor.shutdown_timeout_seconds * 1000;
    const closing = new Shutdown(limitMs, this.options.log.stage("supervisor"));
    this.manifest.lockWait.endWithin(limitMs / 2);
    const fault = this.faultLine();
    const pageClosed = this.serving?.close(PAGE_CLOSE_MS);
    const { collecting, processing, delivering, parts } = this;
    await closing.endStages({ collecting, processing, delivering, parts, stage: (name) => this.stage(name) });
    // Before the manifest, which becomes one plain file only when nobody reads it.
    await pageClosed;
    clearInterval(this.heartbeat);
    this.ended = true;
    this.beat();
    let failed = 0;
    let undone: string | undefined;
    // After the last frame in hand: what is counted here is what `status` counts from now on.
    await closing.attempt("count of failures", async () => {
      failed = this.manifest.failedInRun(this.runId);
      if (fault === undefined) undone = this.leftUndone();
    });
    const { manifest, runId } = this;
    await closing.attempt("end of the run", () =>
      manifest.whenFree(() => manifest.endRun(runId, wallClockUs(), reason)),
    );
    await closing.attempt("manifest", async () => {
      this.manifest.close();
      const { closingNote } = this.manifest;
      if (closingNote !== undefined) this.options.log.stage("supervisor").error(closingNote);
    });
    const { clean } = closing;
    const { displaced } = this.surroundings;
    // A last look at the file may have found what nothing met before.
    const lateFault = fault ?? this.damage.look() ?? undone;
    return { captured: collecting.captured, processed: this.processed, failed, fault: lateFault, clean, displaced };
  }

  private leftUndone(): string | undefined {
    return this.parts.map((part) => part.leftUndone?.()).find((line) => line !== undefined);
  }

  /** Asked while the stages still are as they were. */
  private faultLine(): string | undefined {
    const damage = this.damage.look();
    if (damage !== undefined) return damage;
    const faulted = this.reports().find((report) => report.state === "faulted");
    return faulted === undefined ? undefined : `${faulted.name}: ${faulted.lastFailure?.message ?? "faulted"}`;
  }

  /** One transaction for all heartbeats; a disk too full for it must not end the run. */
  private beat(): void {
    // A disk that is gone refuses everything: then that is said once.
    const surroundings = this.surroundings.look() || refusedByDisk(this.reports());
    if (this.surroundings.displaced) this.finish("the disk is back as a new one; everything is opened anew");
    if (this.damage.look() !== undefined) {
      this.serving?.look();
      return;
    }
    try {
      const stages = this.reports().map((report) => ({
        stage: report.name,
        state: report.state,
        atUs: wallClockUs(),
        detail: this.detailOf(report),
        code: report.lastFailure === undefined ? this.part(report.name)?.condition?.()?.code : undefined,
        setAside: this.setAsideOf(report.name),
      }));
      this.manifest.storeHeartbeats([
        { stage: "supervisor", state: this.ended ? "stopped" : "running", atUs: wallClockUs(), detail: surroundings },
        ...stages,
      ]);
      this.frozenCamera.look(this.manifest, this.options.config);
      this.serving?.look();
    } catch (thrown) {
      // A lock is announced once, by its own notice.
      const level = encodeFailure(thrown).code === "manifest.locked" ? "debug" : "warn";
      this.options.log.stage("supervisor").log(level, `heartbeat not stored: ${failureLine(thrown)}`);
    }
  }
}
