// The one process of an experiment, drawn:
//
//   clock ─▶ collector thread ─ file durable ─▶ entries.add ──wake──▶ processing ─▶ pool ─▶ complete | fail
//                                               (manifest)                                     │ wake
//                                                       outputs.advance ◀─ communicator thread (CSV, plot)
//                                                                       ◀─ opcua thread (the plant's server)
//
// Only this thread writes the manifest. The stages talk through it alone; a wake-up says "look now" and carries
// nothing, so a lost one costs time and never data.

import { hostname } from "node:os";
import { join } from "node:path";
import type { DarkLevel } from "../analysis/dark-level.ts";
import { checkPlace, markPlace, type Place } from "../archive/directory-identity.ts";
import type { Config } from "../config/schema.ts";
import { encodeFailure, failureLine } from "../failure/failure.ts";
import { type CameraInUse, cameraInUse } from "../health/camera-in-use.ts";
import { clockBehindLine, clockFacts } from "../health/clock-behind.ts";
import { FrozenCameraWatch } from "../health/frozen-camera.ts";
import { storedSetAside } from "../health/stored-set-aside.ts";
import type { StageName } from "../log/levels.ts";
import type { Logger } from "../log/logger.ts";
import { LockNotice } from "../manifest/lock-notice.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { wantedOutputs } from "../outputs/outputs.ts";
import type { PipelineEvent, StageContext, StageDefinition } from "../stages/contract/stage-definition.ts";
import { type StageReport, stageDetail } from "../stages/contract/stage-report.ts";
import { STAGES } from "../stages/stages.ts";
import { wallClockUs } from "../system/clock.ts";
import { LONGEST_TIMER_MS } from "../system/deadline.ts";
import { packageVersion } from "../system/files.ts";
import { DamageWatch } from "./damage-watch.ts";
import { EnvironmentWatch, refusedByDisk } from "./environment-watch.ts";
import { FailureLog } from "./failure-log.ts";
import { type Interrupted, recover, settleForms } from "./recovery.ts";
import { Shutdown } from "./shutdown.ts";
import { type RunningStage, stageOf } from "./stage.ts";
import { StopCondition, type StopOptions } from "./stop-condition.ts";
import { WebHost } from "./web-host.ts";

const WATCH_MS = 50;
/** Longer than this nobody waits for the page at the end of a run; a slow page is ended by force and is no fault of the run. */
const PAGE_CLOSE_MS = 3000;
/** What the page shows at once; it looks by itself with each heartbeat. */
const SHOWN_AT_ONCE: ReadonlySet<PipelineEvent> = new Set(["measured", "failed", "brightfield"]);

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
  private readonly environment: EnvironmentWatch;
  /** The page; absent where none is wanted. */
  private readonly webHost: WebHost | undefined;
  private readonly interrupted: Interrupted;
  private readonly stages: readonly RunningStage[];
  /** The stages that an event wakes. */
  private readonly wokenBy = new Map<PipelineEvent, RunningStage[]>();
  private readonly counted = { captured: 0, measured: 0 };
  private readonly finished: Promise<string>;
  private finish: (reason: string) => void = () => undefined;
  private readonly stopCondition: StopCondition;
  private readonly failureLog = new FailureLog();
  private readonly frozenCamera: FrozenCameraWatch;
  private readonly damage: DamageWatch;
  private heartbeat: NodeJS.Timeout | undefined;
  private ended = false;

  /** Opens the database and recovers from an interrupted run; starts no stage yet. */
  constructor(options: RunOptions) {
    this.options = options;
    const { config, log } = options;
    const { Paths: paths } = config;
    const manifestFile = join(paths.data_dir, MANIFEST_FILENAME);
    const place: Place = {
      mark: markPlace(paths.data_dir),
      dataDir: paths.data_dir,
      rootDir: paths.root_dir,
      usbUuid: config.Storage.usb_uuid,
    };
    this.frozenCamera = new FrozenCameraWatch(log.stage("collector"));
    this.environment = new EnvironmentWatch(place, log.stage("supervisor"));
    this.manifest = Manifest.open({ file: manifestFile });
    this.damage = new DamageWatch(this.manifest, log.stage("supervisor"));
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.runId = this.manifest.runs.begin({
      config: options.configText,
      version: packageVersion(),
      nodeVersion: process.versions.node,
      host: hostname(),
      pid: process.pid,
      startedAtUs: wallClockUs(),
    });
    this.interrupted = recover({
      manifest: this.manifest,
      dataDir: paths.data_dir,
      runId: this.runId,
      maxAttempts: config.Data_Analysis.max_attempts,
      remoteRoot: paths.remote_root_dir,
      adopt: config.Camera.camera_type !== "file_importer",
      followLinks: config.Camera.follow_links,
      log: log.stage("supervisor"),
      nowUs: wallClockUs,
    });
    this.manifest.outputs.configure(wantedOutputs(config).map(({ name }) => name));
    this.stages = this.openStages(manifestFile, place);
    this.stopCondition = new StopCondition(options, {
      stages: this.stages,
      manifest: this.manifest,
      log: log.stage("supervisor"),
      captured: () => this.captured,
    });
    this.webHost = config.Web.enabled ? this.createWebHost(manifestFile) : undefined;
  }

  /** Runs until asked to stop, or until what the options ask for is done. Ends with everything closed. */
  async run(): Promise<RunSummary> {
    const { config } = this.options;
    const startedMs = performance.now();
    const log = this.options.log.stage("supervisor");
    await settleForms(this.interrupted, this.manifest, log).catch((thrown: unknown) => {
      log.error(`cannot complete an interrupted compression: ${failureLine(thrown)}; the next start retries`);
    });
    const clock = clockFacts(this.manifest, wallClockUs());
    const behind = clock === undefined ? undefined : clockBehindLine(clock);
    if (behind !== undefined) log.warn(behind);
    // From here on nothing may stand still, and nothing that has been done may go unrecorded.
    const waiting = "capture continues, everything else waits";
    this.manifest.lockWait.neverStandStill(Number.POSITIVE_INFINITY, new LockNotice(log, waiting));
    for (const { life } of this.stages) life.start();
    this.webHost?.start();
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
      return this.stopCondition.reason(elapsedMs);
    } catch (thrown) {
      this.damage.look();
      this.options.log.stage("supervisor").debug(`cannot determine whether work is left: ${failureLine(thrown)}`);
      return undefined;
    }
  }

  /** Asks for a clean stop; returns at once. */
  stop(reason: string): void {
    this.finish(reason);
  }

  reports(): StageReport<StageName>[] {
    return this.stages.map(({ life }) => life.report());
  }

  get counts() {
    return this.manifest.history.counts();
  }

  /** What is photographed; undefined where the camera is switched off. */
  get camera(): CameraInUse | undefined {
    return cameraInUse(this.options.config);
  }

  /** Frames captured since the start. */
  get captured(): number {
    return this.counted.captured;
  }

  /** All stages that the configuration wants, in the order of the table. */
  private openStages(manifestFile: string, place: Place): RunningStage[] {
    const { config, darkLevel, frames, log } = this.options;
    const common = {
      ...{ config, darkLevel, frames, manifest: this.manifest, manifestFile, place, runId: this.runId },
      skippedAtStart: this.interrupted.skipped,
      filesInUse: new Set<number>(),
      nowUs: wallClockUs,
      checkPlace: () => checkPlace(place),
      happened: (event: PipelineEvent) => this.happened(event),
      alarm: () => this.alarm(),
    };
    return STAGES.filter((definition) => definition.enabled(config)).map((definition) => {
      const untilNextRunMs = () => untilNextRun(running.life.report());
      const running = this.openStage(definition, { ...common, log: log.stage(definition.name), untilNextRunMs });
      return running;
    });
  }

  private openStage(definition: StageDefinition, context: StageContext): RunningStage {
    const { group, name, runsDamaged = false, wakesOn } = definition;
    const work = definition.open(context);
    const run: typeof work.run = (signal, dueMs) => work.run(signal, dueMs);
    const moved = (report: StageReport<StageName>) => this.moved(stage, report);
    const stage = { name, group, work, life: stageOf(name, work, moved, runsDamaged ? run : this.damage.guarded(run)) };
    for (const event of wakesOn) this.wokenBy.set(event, [...(this.wokenBy.get(event) ?? []), stage]);
    return stage;
  }

  private createWebHost(manifestFile: string): WebHost | undefined {
    const { config, log, origins = {}, announce = () => undefined } = this.options;
    const brightfield = this.stages.flatMap(({ work }) => work.brightfield ?? [])[0];
    if (brightfield === undefined) throw new Error("no stage takes brightfield images");
    const capture = this.stages.find(({ group }) => group === "capture");
    const nextCaptureMs = () => {
      const nextRunMs = capture?.life.report().nextRunMs;
      return nextRunMs === undefined ? undefined : Date.now() + nextRunMs - performance.now();
    };
    const { manifest } = this;
    return new WebHost({
      ...{ config, origins, manifest, manifestFile, brightfield, nextCaptureMs, announce },
      log: log.stage("web"),
    });
  }

  /** Wakes whoever waits for it. */
  private happened(event: PipelineEvent): void {
    if (event === "captured" || event === "measured") this.counted[event] += 1;
    for (const { life } of this.wokenBy.get(event) ?? []) life.wake();
    if (SHOWN_AT_ONCE.has(event)) this.webHost?.look();
  }

  /** What the plant is told is wrong. */
  private alarm(): string {
    const damage = this.damage.look();
    if (damage !== undefined) return damage;
    const ill = this.reports().filter(({ state }) => state === "faulted" || state === "backing_off");
    return ill.map(({ name, lastFailure }) => `${name}: ${lastFailure?.message ?? "failing"}`).join("; ");
  }

  private moved({ name, work }: RunningStage, report: StageReport<StageName>): void {
    if (this.damage.isDamage(report.lastFailure)) return;
    if (work.moved !== undefined) work.moved(report);
    else this.failureLog.note(report, this.options.log.stage(name), work.retry?.recover !== false);
    if (report.state === "backing_off" || report.state === "faulted") this.beat();
  }

  private async shutDown(reason: string): Promise<RunSummary> {
    const limitMs = this.options.config.Supervisor.shutdown_timeout_seconds * 1000;
    const shutdown = new Shutdown(limitMs, this.options.log.stage("supervisor"));
    this.manifest.lockWait.endWithin(limitMs / 2);
    const fault = this.faultLine();
    const pageClosed = this.webHost?.close(PAGE_CLOSE_MS);
    await shutdown.endStages(this.stages);
    // Before the manifest, which becomes one plain file only when nobody reads it.
    await pageClosed;
    clearInterval(this.heartbeat);
    this.ended = true;
    this.beat();
    let failed = 0;
    let undone: string | undefined;
    // After the last frame in hand: what is counted here is what `status` counts from now on.
    await shutdown.attempt("count of failures", async () => {
      failed = this.manifest.runs.failedEntries(this.runId);
      if (fault === undefined) undone = this.leftUndone();
    });
    const { manifest, runId } = this;
    await shutdown.attempt("end of the run", () =>
      manifest.whenFree(() => manifest.runs.end(runId, wallClockUs(), reason)),
    );
    await shutdown.attempt("manifest", async () => {
      this.manifest.close();
      const { closingNote } = this.manifest;
      if (closingNote !== undefined) this.options.log.stage("supervisor").error(closingNote);
    });
    const { clean } = shutdown;
    const { displaced } = this.environment;
    // A last look at the file may have found what nothing met before.
    const lateFault = fault ?? this.damage.look() ?? undone;
    const { captured, measured: processed } = this.counted;
    return { captured, processed, failed, fault: lateFault, clean, displaced };
  }

  private leftUndone(): string | undefined {
    return this.stages.map(({ work }) => work.leftUndone?.()).find((line) => line !== undefined);
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
    const detail = this.environment.look() || refusedByDisk(this.reports());
    if (this.environment.displaced) this.finish("the disk is back as a new device; reopening all files");
    if (this.damage.look() !== undefined) {
      this.webHost?.look();
      return;
    }
    try {
      const stages = this.stages.map(beatOf);
      this.manifest.heartbeats.store([
        { stage: "supervisor", state: this.ended ? "stopped" : "running", atUs: wallClockUs(), detail },
        ...stages,
      ]);
      this.frozenCamera.look(this.manifest, this.options.config);
      this.webHost?.look();
    } catch (thrown) {
      // A lock is announced once, by its own notice.
      const level = encodeFailure(thrown).code === "manifest.locked" ? "debug" : "warn";
      this.options.log.stage("supervisor").log(level, `cannot store the heartbeat: ${failureLine(thrown)}`);
    }
  }
}

/** What is stored of a stage. */
function beatOf({ name, life, work }: RunningStage) {
  const report = life.report();
  const works = report.lastFailure === undefined;
  const atUs = wallClockUs();
  // Missed ticks must not hide what the stage says of itself.
  const detail = [stageDetail(report), works ? (work.note?.() ?? "") : ""].filter((part) => part !== "").join("; ");
  const files = work.filesSetAside?.() ?? [];
  const setAside = files.length === 0 ? undefined : storedSetAside(files, atUs);
  return {
    stage: name,
    state: report.state,
    atUs,
    detail,
    code: works ? work.condition?.()?.code : undefined,
    setAside,
  };
}

function untilNextRun({ state, nextRunMs }: StageReport): number {
  return state === "waiting" && nextRunMs !== undefined ? Math.max(0, nextRunMs - performance.now()) : 0;
}
