// What the page shows, read from the experiment's files through a connection of its own that can only read.

import { createHash } from "node:crypto";
import { statfsSync } from "node:fs";
import { basename } from "node:path";
import { type Groups, groupsOf, labelMatcher } from "../analysis/labels.ts";
import { openingWindow, type TimeWindow } from "../analysis/sensorgram.ts";
import { keyNames } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Sensorgrams } from "../delivery/sensorgrams.ts";
import { Failure } from "../failure.ts";
import { packageVersion } from "../files.ts";
import { wallClockUs } from "../frame/frame.ts";
import { LOG_STAGES } from "../log.ts";
import { Manifest } from "../manifest/manifest.ts";
import type { Analysis } from "../manifest/runs.ts";
import { takeSnapshot } from "../supervisor/health.ts";
import { metricsText } from "../supervisor/metrics.ts";
import { ChipState, finite } from "./chip-state.ts";
import { withCure } from "./cures.ts";
import { CurveCache } from "./curve-cache.ts";
import { type Columns, type CurveData, columnStart, columnsOf, type DecimatedCurve, decimate } from "./decimate.ts";
import { Frames } from "./frames.ts";
import { GroupMeans, type GroupMember } from "./group-means.ts";
import type { WebSettings } from "./messages.ts";
import { fitRow, lineOf, meanRow } from "./profile.ts";
import { MeasuredSpan } from "./span.ts";
import { Temperatures } from "./temperatures.ts";
import type {
  BaselineView,
  BrightfieldView,
  ChipView,
  CurvesView,
  CurveView,
  ExperimentView,
  FrameView,
  ProfileView,
  StateView,
} from "./views.ts";

/** More curves in one drawing cannot be told apart. */
export const MOST_CURVES = 16;
const RUNS_SHOWN = 50;
/** Settings whose value is nobody's business. */
const SECRET = /password|secret|token|passphrase/i;

export interface CurvesQuery {
  /** Labels, `*` for any letters; groups as `group:NAME`. */
  readonly wanted: readonly string[];
  readonly pairs: boolean;
  /** Undefined: as configured. */
  readonly references: readonly string[] | undefined;
  readonly fromUs: number | undefined;
  readonly toUs: number | undefined;
  /** Pixel columns of the drawing. */
  readonly columns: number;
  /** What the page has drawn already. */
  readonly known?: { readonly key: string; readonly outcome: number } | undefined;
}

export class Experiment {
  readonly #settings: WebSettings;
  readonly #manifest: Manifest;
  readonly #cache: CurveCache;
  readonly #temperatures: Temperatures;
  readonly #span: MeasuredSpan;
  readonly #chip: ChipState;
  readonly #frames = new Frames();
  #means: { readonly key: string; readonly means: GroupMeans } | undefined;
  #analysis: { readonly outcome: number; readonly analysis: Analysis | undefined } | undefined;
  /** Wall clock, ms. */
  nextCaptureMs: number | undefined;
  /** As the supervisor said last. */
  brightfield: BrightfieldView | undefined;

  constructor(settings: WebSettings) {
    this.#settings = settings;
    this.#manifest = Manifest.open({ file: settings.manifestFile, readonly: true });
    this.#cache = new CurveCache(this.#manifest);
    this.#span = new MeasuredSpan(this.#manifest);
    this.#temperatures = new Temperatures(this.#manifest);
    this.#chip = new ChipState(this.#manifest, settings.config.Analysis);
  }

  close(): void {
    this.#manifest.close();
  }

  get #config(): Config {
    return this.#settings.config;
  }

  /** The state as Prometheus reads it. */
  metrics(): Promise<string> {
    return metricsText(takeSnapshot(this.#config, wallClockUs()));
  }

  state(): StateView {
    const { Paths, Storage, Services } = this.#config;
    const nowMs = Date.now();
    const { experiment, startedAt, counts, stages, alarms, lastFrame } = takeSnapshot(this.#config, nowMs * 1000);
    const disk = statfsSync(Paths.data_dir);
    return {
      title: basename(Paths.root_dir),
      version: packageVersion(),
      experiment,
      startedAt,
      now: nowMs,
      nextCapture: this.nextCaptureMs,
      brightfield: this.brightfield,
      counts,
      stages,
      alarms: alarms.map(withCure),
      disk: {
        freeBytes: disk.bavail * disk.bsize,
        totalBytes: disk.blocks * disk.bsize,
        minFreeBytes: Storage.min_free_bytes,
      },
      share:
        Services.enable_remote_sync && counts !== undefined
          ? { copied: counts.synced, waiting: Math.max(0, counts.total - counts.synced) }
          : undefined,
      lastFrame,
      outcome: this.#manifest.lastOutcomeId(),
      method: this.#newestAnalysis()?.method,
      markers: this.#manifest.markers
        .all()
        .map(({ markerId, atUs, text }) => ({ id: markerId, at: atUs / 1000, text })),
    };
  }

  chip(): ChipView | undefined {
    const analysis = this.#newestAnalysis();
    if (analysis === undefined) return undefined;
    const { window, chosen } = this.#baseline(analysis);
    return this.#chip.view(analysis, window, chosen);
  }

  /** Curves to draw, already worked up: shifts since the baseline, minus the references. */
  async curves(query: CurvesQuery): Promise<CurvesView | undefined> {
    const analysis = this.#newestAnalysis();
    if (analysis === undefined) return undefined;
    const { window, chosen } = this.#baseline(analysis);
    const groups = query.wanted.filter(isGroup).map((name) => name.slice(GROUP.length));
    const labels = query.wanted.filter((name) => !isGroup(name));
    const sensorgrams = this.sensorgrams(query, window, labels);
    const span = this.#span.of(analysis.analysisId);
    const fromUs = query.fromUs ?? span[0];
    const toUs = query.toUs ?? span[1] + 1;
    const outcome = this.#manifest.lastOutcomeId();
    const columns = columnsOf(fromUs, toUs, query.columns);
    const made = [analysis.analysisId, this.#manifest.lastArchive(), window, columns, query.wanted, query.pairs];
    const key = shortHash(JSON.stringify([...made, sensorgrams.references, query.fromUs, query.toUs]));
    // While the baseline is still open its level moves, and with it everything.
    const settled = query.known?.key === key && window.toUs <= span[1];
    const tailUs = settled ? this.#changedFrom(analysis, window, columns, query.known.outcome) : undefined;
    const part: Part = { fromUs, toUs, columns, tailUs };
    const curves: CurveView[] = [];
    const more = Math.max(0, sensorgrams.labels.length - MOST_CURVES);
    if (labels.length > 0) {
      for (const worked of sensorgrams.curves()) {
        const { timesUs, result, flags, precision } = worked;
        curves.push({
          label: worked.label,
          reference: worked.reference,
          ...drawn({ timesUs, values: result, flags }, part),
          noise: finite(precision.noise),
          driftPerHour: finite(precision.driftPerHour),
          detectionLimit: finite(precision.detectionLimit),
        });
        if (curves.length >= MOST_CURVES) break;
      }
    }
    if (groups.length > 0) curves.push(...(await this.#groupCurves(analysis, window, groups, query, part)));
    return {
      key,
      ...(tailUs === undefined ? {} : { tailFrom: tailUs / 1000 }),
      outcome,
      frames: this.#manifest.counts().processed,
      span: [span[0] / 1000, span[1] / 1000],
      baseline: { from: window.fromUs / 1000, to: window.toUs / 1000, chosen } satisfies BaselineView,
      references: sensorgrams.references,
      curves,
      more,
      pxPerRiu: this.#config.Analysis.sensitivity_px_per_riu,
      temperatures: this.#temperatures.between(fromUs, toUs, columns, tailUs),
    };
  }

  /** The curves at full length. Throws Failure `usage.invalid` while nothing is measured. */
  sensorgrams(
    { pairs, references }: CurvesQuery,
    window: TimeWindow | undefined,
    labels: readonly string[],
  ): Sensorgrams {
    const analysis = this.#newestAnalysis();
    if (analysis === undefined) throw new Failure("usage.invalid", "nothing has been measured yet");
    const configured = this.#config.Analysis;
    const baseline = window ?? this.#baseline(analysis).window;
    return new Sensorgrams(this.#cache, analysis, {
      isWanted: labelMatcher(labels),
      isReference: labelMatcher(references ?? configured.reference_rois),
      baseline: () => baseline,
      pairs,
      groups: undefined,
      sensitivityPxPerRiu: configured.sensitivity_px_per_riu,
    });
  }

  /** Markers in order of time. */
  markers() {
    return this.#manifest.markers.all();
  }

  async frame(): Promise<FrameView> {
    return (await this.#lastPicture()).view;
  }

  /** Width and height of the newest picture, where they are known. */
  framePx(): readonly [number, number] | undefined {
    const { width, height } = this.#manifest.lastEntry() ?? {};
    return width === undefined || height === undefined ? undefined : [width, height];
  }

  tile(entryId: number, level: number, column: number, row: number): Promise<Buffer> | undefined {
    return this.#frames.tile(entryId, level, column, row);
  }

  /** The profile of an ROI in the last picture; undefined for an unknown label. */
  async profile(label: string): Promise<ProfileView | undefined> {
    const analysis = this.#newestAnalysis();
    const manifest =
      analysis?.roiManifestId === undefined ? undefined : this.#manifest.roiManifest(analysis.roiManifestId);
    const roi = manifest?.rois.find((one) => one.label === label);
    if (analysis === undefined || manifest === undefined || roi === undefined) return undefined;
    const { entryId, picture, shown } = await this.#lastPicture();
    const row = meanRow(shown, picture, roi, manifest.imageAngle);
    const line = lineOf(analysis.method, this.#config.Data_Analysis.joint_line);
    const at = manifest.rois.indexOf(roi);
    const measured = this.#chip.recent(analysis.analysisId).find((one) => one.entryId === entryId)?.measured;
    return {
      label,
      entryId,
      profile: Array.from(row, (value) => Number(value.toFixed(2))),
      fit: line === undefined ? undefined : fitRow(row, line)?.map((value) => Number(value.toFixed(2))),
      line,
      position: finite(measured?.position[at]),
      standardError: finite(measured?.standardError[at]),
    };
  }

  experiment(): ExperimentView {
    const { config, origins } = this.#settings;
    return {
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
      runs: this.#manifest.recentRuns(RUNS_SHOWN).map((run) => ({
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

  async #lastPicture() {
    const entry = this.#manifest.lastEntry();
    if (entry === undefined) throw new Failure("frame.missing", "no frame was captured yet");
    return this.#frames.load(entry);
  }

  /** The newest analysis that has measured anything. */
  #newestAnalysis(): Analysis | undefined {
    const outcome = this.#manifest.lastOutcomeId();
    if (this.#analysis?.outcome === outcome) return this.#analysis.analysis;
    const analysis = this.#manifest
      .analyses()
      .findLast(({ analysisId }) => this.#manifest.latestCurves(analysisId, 1).length > 0);
    this.#analysis = { outcome, analysis };
    return analysis;
  }

  #baseline(analysis: Analysis): { window: TimeWindow; chosen: boolean } {
    const chosen = this.#manifest.markers.baseline();
    if (chosen !== undefined) return { window: chosen, chosen: true };
    const [firstUs] = this.#span.of(analysis.analysisId);
    return { window: openingWindow(Float64Array.of(firstUs), this.#config.Analysis.baseline_seconds), chosen: false };
  }

  /** The columns in which anything is new since an outcome begin here, µs; undefined where that is too much to say. */
  #changedFrom({ analysisId }: Analysis, { toUs }: TimeWindow, columns: Columns, outcome: number): number | undefined {
    const capturedAtUs: number[] = [];
    for (const curve of this.#manifest.curves(analysisId, outcome)) {
      capturedAtUs.push(curve.capturedAtUs);
      // A late one within the baseline moves its level.
      if (capturedAtUs.length > MOST_NEW || curve.capturedAtUs < toUs) return undefined;
    }
    // A reading may be somewhat older than its frame.
    const earliestUs = Math.min(this.#span.of(analysisId)[1], ...capturedAtUs) - READING_AGE_US;
    return columnStart(columns, earliestUs);
  }

  async #groupCurves(
    analysis: Analysis,
    window: TimeWindow,
    groups: readonly string[],
    { references }: CurvesQuery,
    part: Part,
  ): Promise<CurveView[]> {
    const referenceLabels = references ?? this.#config.Analysis.reference_rois;
    const means = this.#groupMeans(analysis, window, referenceLabels);
    await means.refresh();
    const reference = means.curve(REFERENCES);
    return groups.flatMap((name): CurveView[] => {
      const curve = means.curve(name);
      if (curve === undefined) return [];
      const values =
        reference === undefined
          ? curve.values
          : curve.values.map((value, at) => value - (reference.values[at] as number));
      return [
        {
          label: `group ${name}`,
          reference: false,
          members: curve.members,
          ...drawn({ ...curve, values }, part),
          noise: null,
          driftPerHour: null,
          detectionLimit: null,
        },
      ];
    });
  }

  /** Kept as long as baseline and references stay the same. */
  #groupMeans(analysis: Analysis, window: TimeWindow, references: readonly string[]): GroupMeans {
    const levels = this.#chip.levels(analysis, window);
    const key = JSON.stringify([analysis.analysisId, references, this.#manifest.lastArchive(), Array.from(levels)]);
    if (this.#means?.key === key) return this.#means.means;
    const isReference = labelMatcher(references);
    const groups: Groups = this.#config.Analysis.groups;
    const members = new Map<string, GroupMember[]>();
    analysis.labels.forEach((label, roi) => {
      const level = levels[roi] as number;
      if (Number.isNaN(level)) return;
      for (const name of isReference(label) ? [REFERENCES] : groupsOf(label, groups)) {
        members.set(name, [...(members.get(name) ?? []), { roi, level }]);
      }
    });
    const means = new GroupMeans(this.#manifest, analysis.analysisId, members);
    this.#means = { key, means };
    return means;
  }
}

/** Frames that a page may have missed and still be told of alone. */
const MOST_NEW = 500;
const READING_AGE_US = 120e6;

/** What of a curve is drawn, and how; see decimate. */
interface Part {
  readonly fromUs: number;
  readonly toUs: number;
  readonly columns: Columns;
  readonly tailUs: number | undefined;
}

function drawn(curve: CurveData, { fromUs, toUs, columns, tailUs }: Part): DecimatedCurve {
  return decimate(curve, fromUs, toUs, columns, tailUs);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}

const GROUP = "group:";
/** No group of a person's is called so: groups bear the letters of labels, or names of the configuration. */
const REFERENCES = "\0references";
const isGroup = (name: string): boolean => name.startsWith(GROUP);
