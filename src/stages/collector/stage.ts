// The collector stage: one capture in the collector's thread, then the database row. The file is durable before the row is
// added, so a crash in between leaves an image without a row, which the next start adds.
import { pauseBelow } from "../../archive/free-space.ts";
import { FILE_CAMERAS, sourceSettings } from "../../cameras/camera.ts";
import { configuredPages } from "../../cameras/configured-files.ts";
import { decodeFailure, encodeFailure, Failure, failureLine, lineOf } from "../../failure/failure.ts";
import type { EntryHistory, NewEntry } from "../../manifest/entries.ts";
import { Unrecorded } from "../../manifest/unrecorded.ts";
import { thermometerSettings } from "../../sensors/thermometer.ts";
import { monotonicMs } from "../../system/clock.ts";
import { counted } from "../../system/counted.ts";
import { diskSpace } from "../../system/disk-space.ts";
import type { SetAsideFile } from "../../system/set-aside.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, RetryPolicy, Schedule, StageContext, StageDefinition } from "../contract/stage-definition.ts";
import { BrightfieldPictures } from "./brightfield.ts";
import type { CollectedFrame, CollectorAnswer, CollectorJob, CollectorSettings } from "./messages.ts";
import { SkippedPictures } from "./skipped-pictures.ts";

const THREAD_GRACE_MS = 5000;
/** A capture is handed to its thread so long before it is due, at most half an interval: this thread may be busy then. */
const AHEAD_MS = 250;

/** When captures are begun, for an interval in seconds. */
function captureSchedule(intervalSeconds: number): Schedule {
  const everyMs = intervalSeconds * 1000;
  return { kind: "cadence", everyMs, aheadMs: Math.min(AHEAD_MS, everyMs / 2) };
}

/** Takes pictures, and continues while the database is damaged: pictures then wait in a file for their rows. */
export const collector: StageDefinition = {
  name: "collector",
  group: "capture",
  wakesOn: [],
  runsDamaged: true,
  enabled: () => true,
  open: ({ config, frames, happened, untilNextRunMs, skippedAtStart, ...context }) => {
    const stage = new Collector({
      ...{ ...context, config },
      limit: frames,
      live: !FILE_CAMERAS.has(config.Camera.camera_type),
      collected: (taken) => happened("captured", taken),
      recorded: () => happened("recorded"),
      untilCaptureMs: untilNextRunMs,
      brightfieldChanged: () => happened("brightfield"),
    });
    stage.skipped.foundAtStart(skippedAtStart);
    return stage;
  },
};

interface CollectorOptions
  extends Pick<StageContext, "config" | "manifest" | "manifestFile" | "place" | "runId" | "log"> {
  /** Number of captures after which the collector stops capturing. */
  readonly limit: number | undefined;
  /** False for sources that take files other programs wrote: these may have nothing new. */
  readonly live: boolean;
  /** A picture was taken that holds this number of frames. */
  collected(taken: number): void;
  /** Pictures that waited for the database have their rows. */
  recorded(): void;
  /** Until the next capture is begun, ms; 0 while one is in progress or none is planned. */
  untilCaptureMs(): number;
  /** There is news of a brightfield picture. */
  brightfieldChanged(): void;
}

class Collector implements OpenStage {
  readonly schedule: Schedule;
  readonly retry: Partial<RetryPolicy>;
  private readonly options: CollectorOptions;
  private readonly thread: RemoteWorker<CollectorSettings, CollectorJob, CollectorAnswer>;
  readonly brightfield: BrightfieldPictures;
  private readonly unrecorded: Unrecorded;
  private late: Promise<void> | undefined;
  readonly skipped: SkippedPictures;
  private setAside: readonly SetAsideFile[] = [];
  /** Frames captured since the start. */
  captured = 0;
  /** Whether the source knows of another picture already. */
  more = false;
  /** A file source that has nothing left. */
  dry = false;
  /** The source has been asked at least once. */
  private asked = false;

  constructor(options: CollectorOptions) {
    this.options = options;
    const { Timing, Retries } = options.config;
    this.schedule = captureSchedule(Timing.collector_interval_seconds);
    this.retry = {
      firstDelayMs: Retries.collector_retry_delay_seconds * 1000,
      failureLimit: Retries.collector_failure_limit,
      recover: Retries.recover,
    };
    const first = options.manifest.history.entries().next();
    const startedAtUs = first.done ? undefined : first.value.capturedAtUs;
    const settings = collectorSettings(options, startedAtUs);
    this.thread = new RemoteWorker("collector", settings, (level, message) => options.log.log(level, message));
    this.skipped = new SkippedPictures(options.log);
    this.unrecorded = new Unrecorded(options.config.Paths.data_dir);
    this.brightfield = new BrightfieldPictures({
      ...options,
      changed: () => options.brightfieldChanged(),
      take: async (signal) => {
        const { brightfield = "" } = await this.thread.run({ type: "brightfield" }, this.limitMs, signal);
        if (typeof brightfield !== "string") throw decodeFailure(brightfield);
        return brightfield;
      },
    });
  }

  /** Opens the camera and the thermometers, which may take seconds: no tick should have to wait for that. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { config, limit, live } = this.options;
    if (!config.Services.enable_camera || !live || limit === 0) return;
    await this.thread.run({ type: "open" }, this.limitMs, signal);
  }

  /** One capture, due at `dueMs` of performance.now(). True when another picture may be taken at once. */
  async run(signal: AbortSignal, dueMs: number): Promise<boolean> {
    const more = await this.capture(signal, dueMs);
    this.asked = true;
    return more;
  }

  private async capture(signal: AbortSignal, dueMs: number): Promise<boolean> {
    const { config, limit, live, log } = this.options;
    if (!config.Services.enable_camera) this.dry = true;
    if (this.dry && live) return false;
    if (limit !== undefined && this.captured >= limit) return false;
    await this.brightfield.settled();
    const due = monotonicMs() - (performance.now() - dueMs);
    const {
      frame,
      more,
      skipped,
      leftOut,
      setAside = [],
    } = await this.thread.run({ type: "capture", dueMs: due }, this.limitMs, signal);
    if (skipped !== undefined) this.skipped.foundBySource(skipped);
    if (leftOut !== undefined) this.skipped.leftOutBySource(leftOut);
    this.setAside = setAside;
    this.more = more && !live;
    this.dry = frame === null && !this.more;
    // A picture was set aside: the next one is taken at once.
    if (frame === null) return this.more;
    const entry = await this.record(this.entryOf(frame), refusalOf(frame));
    const fields = entry === undefined ? {} : { entry };
    const frames = 1 + (frame.furtherPages?.length ?? 0);
    this.captured += frames;
    const pages = frame.page === undefined ? "" : ` (${counted(frames, "page")})`;
    log.info(`${frame.filename}: captured in ${Math.round(frame.tookMs)} ms${pages}`, fields);
    if (frame.continues !== undefined) log.info(`${frame.continues} has grown; only its new pages are frames`, fields);
    if (frame.cutOff !== undefined) log.error(`${frame.filename}: ${frame.cutOff}`, fields);
    if (frame.refused !== undefined) log.error(lineOf(frame.refused), fields);
    this.options.collected(frames);
    await this.brightfield.afterCapture(this.captured, signal);
    return this.more;
  }

  /** The thread ends a capture in time by itself; only one that does not even do that is replaced. */
  private get limitMs(): number {
    return this.options.config.Camera.timeout_seconds * 1000 + THREAD_GRACE_MS;
  }

  /** Pictures of a watched folder that could not be taken while others could. */
  filesSetAside(): readonly SetAsideFile[] {
    return this.setAside;
  }

  /** As many pictures are taken as were asked for, or the source has none left, and each has its row. */
  idle(): boolean {
    if (this.late !== undefined) return false;
    const { limit } = this.options;
    return limit === undefined ? this.asked && !this.more : this.captured >= limit || this.dry;
  }

  /** Waits for the rows of the last pictures. Rejects with why some have none; these are kept for the next start. */
  async flush(): Promise<void> {
    try {
      await this.late;
    } catch (error) {
      const { message, hint, code, retry } = encodeFailure(error);
      const left = `images are not in the database yet; the next start adds them: ${message}`;
      throw new Failure(code, left, { ...(hint === undefined ? {} : { hint }), retry, cause: error });
    }
  }

  /** For `status`: what is skipped. */
  note(): string {
    return this.skipped.note();
  }

  async close(timeoutMs: number): Promise<void> {
    const closed = this.thread.close(timeoutMs);
    await this.brightfield.close();
    await closed;
  }

  /** The row of a capture. Where the database takes none, the capture is kept next to it; its number is undefined then. */
  private async record(entry: NewEntry, history?: EntryHistory): Promise<number | undefined> {
    const { live, log, manifest, runId } = this.options;
    const add = () => {
      const late = this.unrecorded.record(manifest, runId);
      if (late > 0) log.info(`added ${counted(late, "waiting frame")} to the database`);
      return manifest.entries.add(entry, history);
    };
    // What another program wrote is found again by its source: its row comes before the next file.
    if (!live) return await manifest.whenFree(add);
    try {
      return add();
    } catch (thrown) {
      const isLocked = encodeFailure(thrown).code === "manifest.locked";
      const isNew = !this.unrecorded.waiting;
      this.unrecorded.keep(entry);
      // Another program's lock has its own notice, and ends.
      if (isLocked) this.recordLate();
      else if (isNew)
        log.warn(
          `the database accepts no frames; keeping them in the data directory until it does: ${failureLine(thrown)}`,
        );
      return undefined;
    }
  }

  /** Gives the captures that are kept their rows as soon as the database is free; captures continue meanwhile. */
  private recordLate(): void {
    const { log, manifest, runId } = this.options;
    if (this.late !== undefined) return;
    this.late = manifest
      .whenFree(() => {
        // Costs nothing while the lock is there, unlike reading what is kept.
        manifest.together(() => undefined);
        return this.unrecorded.record(manifest, runId);
      })
      .then((recorded) => {
        if (recorded > 0) log.info(`added ${counted(recorded, "waiting frame")} to the database`);
        this.options.recorded();
      })
      .finally(() => {
        this.late = undefined;
      });
    // Reported at the end of the run; the next capture retries.
    this.late.catch((error: unknown) => log.debug(`could not add frames to the database: ${failureLine(error)}`));
  }

  private entryOf(frame: CollectedFrame): NewEntry {
    const { config, runId } = this.options;
    const { directory, settings, warnings, refused: _refused, tookMs: _, ...rest } = frame;
    const collectionError = [...frame.readings.map((reading) => reading.error), frame.cutOff]
      .filter((error) => error !== undefined)
      .join("; ");
    return {
      ...rest,
      runId,
      filepath: directory,
      cameraType: config.Camera.camera_type,
      cameraIndex: config.Camera.camera_id,
      settings: JSON.stringify(settings),
      warnings: warnings.join("; "),
      collectionError: collectionError === "" ? undefined : collectionError,
    };
  }
}

/** A file of which none can be used has failed before it is measured. */
function refusalOf({ refused }: CollectedFrame): EntryHistory | undefined {
  if (refused === undefined) return undefined;
  return { origin: "captured", status: "failed", errorCode: refused.code, error: refused.message };
}

/** What the collector's thread needs of the configuration; plain data, as it crosses to the thread. */
function collectorSettings({ config, manifestFile, place }: CollectorOptions, startedAtUs?: number): CollectorSettings {
  const { Camera: camera, Paths: paths, Services: services } = config;
  return {
    dataDir: paths.data_dir,
    camera: {
      type: camera.camera_type,
      id: camera.camera_id,
      transform: camera.camera_transform,
      format: camera.format,
    },
    source: sourceSettings(config, startedAtUs),
    pages: configuredPages(camera),
    ...pauseBelow(config, diskSpace(paths.data_dir)?.totalBytes ?? 0),
    place,
    brightfield: { directory: paths.brightfield_dir, source: sourceSettings(config, startedAtUs, true) },
    thermometers: services.enable_thermocouple ? thermometerSettings(config) : undefined,
    manifestFile,
  };
}
