// Reads everything that the page shows from the experiment's files, through its own read-only database connection.

import { pauseBelow } from "../archive/free-space.ts";
import { keyNames } from "../config/config.ts";
import { experimentFacts, experimentName } from "../config/identity.ts";
import { outputShownAs } from "../config/output-methods.ts";
import type { Config } from "../config/schema.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { diskFullText } from "../health/disk-facts.ts";
import { metricsText } from "../health/metrics.ts";
import { analysesOf, problemsOf, takeSnapshot } from "../health/snapshot.ts";
import { adviceFor } from "../health/status-advice.ts";
import { LOG_STAGES, type LogLevel } from "../log/levels.ts";
import { Manifest } from "../manifest/manifest.ts";
import { unmeasured } from "../manifest/named-analysis.ts";
import { frameName } from "../manifest/page-rows.ts";
import { pictureRoots, placeOf } from "../manifest/picture-place.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { wallClockUs } from "../system/clock.ts";
import { diskSpace } from "../system/disk-space.ts";
import { packageVersion } from "../system/files.ts";
import { TimeZone } from "../system/time-zone.ts";
import { finite } from "./chip-state.ts";
import type { CurvesQuery } from "./curves.ts";
import { baselineView } from "./drawn-curve.ts";
import { Frames, type ShownEntry } from "./frames.ts";
import type { WebSettings } from "./messages.ts";
import type { PanelsQuery } from "./panels.ts";
import { PictureProcess } from "./picture-process.ts";
import { PictureStudy } from "./picture-study.ts";
import type { FrameView, ProfilesView, ProfileView } from "./picture-views.ts";
import { fitRow } from "./profile.ts";
import { type AnalysisChoice, ShownAnalyses, type ShownAnalysis } from "./shown-analyses.ts";
import type { BrightfieldView, ChipView, CurvesView, ExperimentView, PanelsView, StateView } from "./views.ts";

const RUNS_SHOWN = 50;
/** Settings whose value is secret. */
const SECRET = /password|secret|token|passphrase/i;

export class Experiment {
  readonly #settings: WebSettings;
  readonly #manifest: Manifest;
  readonly #analyses: ShownAnalyses;
  /** Time zone of the times that users see and type. */
  readonly zone: TimeZone;
  /** Images that the user selects. */
  readonly pictures: PictureStudy;
  readonly #frames: Frames;
  /** Time of the next capture, wall clock, ms. */
  nextCaptureMs: number | undefined;
  /** As last reported by the supervisor. */
  brightfield: BrightfieldView | undefined;

  private constructor(settings: WebSettings, manifest: Manifest, log: (level: LogLevel, message: string) => void) {
    this.#settings = settings;
    const { bits } = settings.config.Camera;
    this.#frames = new Frames(new PictureProcess(log), { newest: () => this.#newestEntry(), bits });
    this.#manifest = manifest;
    this.zone = new TimeZone(settings.config.Display.time_zone);
    this.#analyses = new ShownAnalyses(manifest, settings.config);
    this.pictures = new PictureStudy(manifest, settings.config, log);
  }

  /** Opens the experiment for reading. Throws as `Manifest.open` does. */
  static open(settings: WebSettings, log: (level: LogLevel, message: string) => void): Experiment {
    const manifest = Manifest.open({ file: settings.manifestFile, readonly: true });
    try {
      return new Experiment(settings, manifest, log);
    } catch (error) {
      manifest.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#frames.close();
    await this.pictures.close();
    this.#manifest.close();
  }

  get #config(): Config {
    return this.#settings.config;
  }

  /** Returns the state in Prometheus format. */
  metrics(): Promise<string> {
    return metricsText(takeSnapshot(this.#config, wallClockUs(), this.#manifest));
  }

  state(): StateView {
    const { Paths, Services } = this.#config;
    const nowMs = Date.now();
    const snapshot = takeSnapshot(this.#config, nowMs * 1000, this.#manifest);
    const { experiment, startedAt, camera, counts, stages, findings, notes, lastFrame, diskFull } = snapshot;
    const disk = diskSpace(Paths.data_dir);
    return {
      title: experimentName(this.#config),
      sample: this.#config.Experiment.sample,
      version: packageVersion(),
      experiment,
      startedAt,
      camera,
      now: nowMs,
      timeZone: this.zone.name,
      nextCapture: this.nextCaptureMs,
      brightfield: this.brightfield,
      counts,
      outputs: snapshot.outputs.map(({ name, waiting }) => ({ name: outputShownAs(name), waiting })),
      stages,
      alarms: problemsOf(findings).map(({ key, text }) => ({ what: this.zone.shown(text), cure: adviceFor(key) })),
      notes: notes.map((note) => this.zone.shown(note)),
      disk:
        disk === undefined
          ? undefined
          : {
              ...disk,
              minFreeBytes: pauseBelow(this.#config, disk.totalBytes).minFreeBytes,
              full: diskFull === undefined ? undefined : this.zone.shown(diskFullText(diskFull)),
            },
      share:
        Services.enable_remote_sync && counts !== undefined
          ? { copied: counts.synced, waiting: Math.max(0, counts.total - counts.furtherPages - counts.synced) }
          : undefined,
      lastFrame,
      ...this.#progress(),
    };
  }

  /** Returns the progress; empty if the database is damaged, because the page must still show the alarm. */
  #progress(): Pick<StateView, "outcome" | "method" | "analyses" | "markers" | "injectionChange"> {
    try {
      return {
        outcome: this.#manifest.outcomes.lastId(),
        method: this.#manifest.analyses.inForce()?.method,
        analyses: analysesOf(this.#manifest),
        markers: this.#manifest.markers
          .all()
          .map(({ markerId, atUs, text }) => ({ id: markerId, at: atUs / 1000, text })),
        injectionChange: this.#manifest.injections.lastChange(),
      };
    } catch (error) {
      if (encodeFailure(error).code !== "manifest.corrupt") throw error;
      return { outcome: 0, method: undefined, analyses: [], markers: [], injectionChange: 0 };
    }
  }

  /**
   * Returns undefined until something is measured, as do the views below. All throw Failure `usage.invalid` for an unknown
   * analysis.
   */
  chip(choice: AnalysisChoice = {}): ChipView | undefined {
    const shown = this.#analyses.of(choice);
    if (shown === undefined) return undefined;
    const baseline = shown.curves.baseline(shown.analysis);
    return shown.chip.view(shown.analysis, baseline.window, baselineView(baseline));
  }

  async curves(choice: AnalysisChoice, query: CurvesQuery): Promise<CurvesView | undefined> {
    const shown = this.#analyses.of(choice);
    return shown?.curves.view(shown.analysis, query, shown.about);
  }

  async panels(choice: AnalysisChoice, query: PanelsQuery): Promise<PanelsView | undefined> {
    const shown = this.#analyses.of(choice);
    if (shown === undefined) return undefined;
    const { analysis, curves, about } = shown;
    const { reference_rois: references } = this.#config.Analysis;
    const baseline = curves.baseline(analysis);
    return shown.panels.view(analysis, query, {
      baseline: { window: baseline.window, view: baselineView(baseline) },
      span: curves.spanOf(analysis),
      ...{ references, about },
    });
  }

  /** Returns the analysis that a curve file is written from. Throws Failure `usage.invalid` until something is measured. */
  shown(choice: AnalysisChoice): ShownAnalysis {
    const shown = this.#analyses.of(choice);
    if (shown === undefined) throw unmeasured();
    return shown;
  }

  /** Throws Failure `usage.invalid` if a window contains no frames. */
  refuseEmpty(window: TimeWindow): void {
    if (this.#manifest.history.hasFrames(window)) return;
    throw new Failure("usage.invalid", "no frame was captured in this window", { hint: "choose a window with frames" });
  }

  /** Returns markers and starts of injections, in order of time. */
  events() {
    return this.#manifest.markers.events();
  }

  /** Returns injections in order of time. */
  injections() {
    return this.#manifest.injections.all();
  }

  /** Returns the capture time of the first frame, microseconds. */
  firstFrameUs(): number | undefined {
    return this.#manifest.history.oldestCaptureUs();
  }

  /** Returns a stamp that changes with everything that the evaluation of injections depends on. */
  dataStamp(): string {
    const { outcomes, injections, archives } = this.#manifest;
    const shown = this.#analyses.of({});
    const window = shown?.curves.baseline(shown.analysis).window;
    return JSON.stringify([outcomes.lastId(), injections.lastChange(), archives.last(), window]);
  }

  async frame(): Promise<FrameView> {
    return this.#frames.load(this.#newestEntry());
  }

  /** Returns width and height of the newest picture, if known. */
  framePx(): readonly [number, number] | undefined {
    const { width, height } = this.#manifest.history.newestEntry() ?? {};
    return width === undefined || height === undefined ? undefined : [width, height];
  }

  tile(entryId: number, level: number, column: number, row: number): Promise<Uint8Array | undefined> {
    return this.#frames.tile(entryId, level, column, row);
  }

  isPast(entryId: number): boolean {
    return this.#frames.isPast(entryId);
  }

  /** Returns the profile of an ROI in the last picture; undefined for an unknown label. */
  async profile(choice: AnalysisChoice, label: string): Promise<ProfileView | undefined> {
    const shown = this.#analyses.of(choice);
    const analysis = shown?.analysis;
    const manifest =
      analysis?.roiManifestId === undefined ? undefined : this.#manifest.analyses.roiManifest(analysis.roiManifestId);
    const roi = manifest?.rois.find((one) => one.label === label);
    if (analysis === undefined || manifest === undefined || roi === undefined || shown === undefined) return undefined;
    const { entryId, row } = await this.#frames.profile(this.#newestEntry(), roi, manifest.imageAngle);
    const at = manifest.rois.indexOf(roi);
    const fit = fitRow(row, analysis.method, this.#manifest.references.linesOf(analysis)?.[at] ?? "fano");
    const measured = shown.chip.recent(analysis).find((one) => one.entryId === entryId);
    return {
      label,
      entryId,
      profile: Array.from(row, (value) => Number(value.toFixed(2))),
      fit: fit?.values.map((value) => Number(value.toFixed(2))),
      line: fit?.line,
      position: finite(measured?.position[at]),
      standardError: finite(measured?.standardError[at]),
    };
  }

  /** Returns an ROI's profiles in several frames; undefined for an unknown label, or if nothing is measured. */
  async profiles(choice: AnalysisChoice, label: string, entries: readonly number[]): Promise<ProfilesView | undefined> {
    const analysis = this.#analyses.of(choice)?.analysis;
    return analysis === undefined ? undefined : this.pictures.profiles(analysis, label, entries);
  }

  experiment(): ExperimentView {
    const { config, origins } = this.#settings;
    return {
      about: experimentFacts(config),
      settings: keyNames().map(([section, name]) => {
        const value = (config[section] as Readonly<Record<string, unknown>>)[name];
        const key = `${section}.${name}`;
        const shown = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
        return {
          key,
          value: SECRET.test(name) && shown !== "" ? "(hidden)" : shown,
          origin: origins[key] ?? "default",
        };
      }),
      runs: this.#manifest.runs.recent(RUNS_SHOWN).map((run) => ({
        id: run.runId,
        startedAt: run.startedAtUs / 1000,
        endedAt: run.endedAtUs === undefined ? undefined : run.endedAtUs / 1000,
        endReason: run.endReason,
        version: run.version,
        host: run.host,
      })),
      directories: {
        data: config.Paths.data_dir,
        results: config.Paths.results_dir,
        logs: config.Paths.logs_dir,
        backup: config.Paths.backup_dir,
      },
      logStages: LOG_STAGES,
    };
  }

  /** Throws a Failure if there is no picture. */
  #newestEntry(): ShownEntry {
    const entry = this.#manifest.history.newestEntry();
    if (entry === undefined) throw new Failure("frame.missing", "no frame has been captured yet");
    const { entryId, capturedAtUs, filename, filepath, page } = entry;
    if (filename === undefined || filepath === undefined) {
      throw new Failure("frame.missing", "the last capture produced no image");
    }
    const file = placeOf({ filepath, filename, page }, pictureRoots(this.#config));
    return { entryId, capturedAtUs, filename: frameName(filename, page), file };
  }
}
