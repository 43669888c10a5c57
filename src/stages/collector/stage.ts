// The collector stage: one capture in the collector's thread, then the database row. The file is durable before the row is
// added, so a crash in between leaves an image without a row, which the next start adds.
import { pauseBelow } from "../../archive/free-space.ts";
import { FILE_CAMERAS, sourceSettings } from "../../cameras/camera.ts";
import { configuredPages } from "../../cameras/configured-files.ts";
import { decodeFailure, encodeFailure, Failure, failureLine, lineOf } from "../../failure/failure.ts";
import { guessedText } from "../../health/guessed-times.ts";
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
/**
 * A capture is handed to its thread this long before it is due (at most half an interval), because this thread may be busy then.
 */
const AHEAD_MS = 250;

/** Returns the schedule of captures for an interval in seconds. */
function captureSchedule(intervalSeconds: number): Schedule {
  const everyMs = intervalSeconds * 1000;
  return { kind: "cadence", everyMs, aheadMs: Math.min(AHEAD_MS, everyMs / 2) };
}

/** Takes images. Continues while the database is damaged: the images' data then wait in a file until their rows can be added. */
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
  /** False for sources that read files of other programs; these may have nothing new. */
  readonly live: boolean;
  /** Called after an image with this number of frames was taken. */
  collected(taken: number): void;
  /** Called after the rows of images that waited for the database were added. */
  recorded(): void;
  /** Time until the next capture starts, ms; 0 while one is in progress or none is planned. */
  untilCaptureMs(): number;
  /** Called when there is news about a brightfield image. */
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
  /** Frames captured since the start, and how many of them have a guessed time. */
  captured = 0;
  private guessed = 0;
  /** Whether the source already knows of another image. */
  more = false;
  /** Whether a file source has nothing left. */
  dry = false;
  /** Whether the source has been asked at least once. */
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

  /**
   * Opens the camera and the thermometers, which may take seconds. Done before the grid starts, so that no tick has to wait for
   * it.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const { config, limit, live } = this.options;
    if (!config.Services.enable_camera || !live || limit === 0) return;
    await this.thread.run({ type: "open" }, this.limitMs, signal);
  }

  /** Makes one capture, due at `dueMs` of performance.now(). Returns true if another image may be taken at once. */
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
    // An image was set aside: the next one is taken at once.
    if (frame === null) return this.more;
    const entry = await this.record(this.entryOf(frame), refusalOf(frame));
    const fields = entry === undefined ? {} : { entry };
    const frames = 1 + (frame.furtherPages?.length ?? 0);
    this.captured += frames;
    this.guessed += [frame, ...(frame.furtherPages ?? [])].filter(({ timeSource }) => timeSource === "file").length;
    const pages = frame.page === undefined ? "" : ` (${counted(frames, "page")})`;
    log.info(`${frame.filename}: captured in ${Math.round(frame.tookMs)} ms${pages}`, fields);
    if (frame.continues !== undefined) {
      log.info(`${frame.continues} was taken before; only pages that were not taken then are frames`, fields);
    }
    if (frame.cutOff !== undefined) log.error(`${frame.filename}: ${frame.cutOff}`, fields);
    if (frame.refused !== undefined) log.error(lineOf(frame.refused), fields);
    this.options.collected(frames);
    await this.brightfield.afterCapture(this.captured, signal);
    return this.more;
  }

  /** The thread normally ends a capture in time itself; after this limit the thread is replaced. */
  private get limitMs(): number {
    return this.options.config.Camera.timeout_seconds * 1000 + THREAD_GRACE_MS;
  }

  /** Returns the images of a watched folder that could not be taken while others could. */
  filesSetAside(): readonly SetAsideFile[] {
    return this.setAside;
  }

  /** Whether all requested images were taken, or the source has none left, and each has its row. */
  idle(): boolean {
    if (this.late !== undefined) return false;
    const { limit } = this.options;
    return limit === undefined ? this.asked && !this.more : this.captured >= limit || this.dry;
  }

  /** Waits for the rows of the last images. Rejects with the reason if some have none; these are kept for the next start. */
  async flush(): Promise<void> {
    try {
      await this.late;
    } catch (error) {
      const { message, hint, code, retry } = encodeFailure(error);
      const left = `images are not in the database yet; the next start adds them: ${message}`;
      throw new Failure(code, left, { ...(hint === undefined ? {} : { hint }), retry, cause: error });
    }
  }

  /** Returns what is skipped, for `status`. */
  note(): string {
    return this.skipped.note();
  }

  async close(timeoutMs: number): Promise<void> {
    // While the run goes on, only the first image with a guessed time is named.
    if (this.guessed > 1) this.options.log.warn(guessedText(this.guessed));
    const closed = this.thread.close(timeoutMs);
    await this.brightfield.close();
    await closed;
  }

  /**
   * Adds the row of a capture. If the database cannot store it, keeps the capture in a file next to it; the result is undefined
   * then.
   */
  private async record(entry: NewEntry, history?: EntryHistory): Promise<number | undefined> {
    const { live, log, manifest, runId } = this.options;
    const add = () => {
      const late = this.unrecorded.record(manifest, runId);
      if (late > 0) log.info(`added ${counted(late, "waiting frame")} to the database`);
      return manifest.entries.add(entry, history);
    };
    // The source finds a file of another program again, so this waits until its row is added before the next file.
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

  /** Adds the rows of the waiting captures as soon as the database is free; captures continue meanwhile. */
  private recordLate(): void {
    const { log, manifest, runId } = this.options;
    if (this.late !== undefined) return;
    this.late = manifest
      .whenFree(() => {
        // This fails fast while the lock is held, without reading the waiting captures.
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

/** Returns the history of a file of which nothing can be used: it failed before it was measured. */
function refusalOf({ refused }: CollectedFrame): EntryHistory | undefined {
  if (refused === undefined) return undefined;
  return { origin: "captured", status: "failed", errorCode: refused.code, error: refused.message };
}

/** Returns the part of the configuration that the collector's thread needs; plain data, because it is sent to the thread. */
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
