// Keeps the plot's curves up to date from the manifest. Reads only outcomes and readings that are new since the last refresh;
// the stored data does not grow with the history.

import { withChangeMarks } from "../assay/analysis-changes.ts";
import { type Baseline, BaselineInForce, baselineText } from "../assay/baseline.ts";
import { Levels } from "../assay/levels.ts";
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import type { NewMarker } from "../manifest/markers.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { isSameCalibration } from "../measurement/keep-rois.ts";
import { labelMatcher } from "../measurement/labels.ts";
import { firstNames } from "../measurement/roi-names.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { DEGREES } from "../outputs/csv/file/lines.ts";
import { type TimeZone, UTC } from "../system/time-zone.ts";
import { chipLayout } from "./chip-layout.ts";
import { CurveStore } from "./curve.ts";
import type { PlotInput, PlotMarker, TemperatureSeries } from "./plot-input.ts";

export type PlotSource = ManifestPart<{
  analyses: "all" | "measured" | "roiManifest";
  curves: "after" | "within" | "countWithin";
  readings: "after";
  markers: "events" | "moments" | "firstInjectionUs" | "baseline";
  results: "framePositions";
  archives: "last";
}>;

/** The frames of an analysis. */
interface Measure {
  readonly analysis: Analysis;
  readonly curves: CurveStore;
  /** Number of its frames that show the simulated chip. */
  simulated: number;
  lastOutcome: number;
  /** The last outcome that was read; undefined: none. */
  seenOutcome: number | undefined;
}

const READINGS_PAGE = 1000;
const SOUND = new Uint8Array(1);

/** Converts markers to the form for drawings. */
export function plotMarkers(markers: readonly NewMarker[]): PlotMarker[] {
  return markers.map(({ atUs, text }) => ({ timeMs: atUs / 1000, text }));
}

/** Returns the note about a simulated chip in the title; empty if all frames are from a camera. */
function simulatedNote({ simulated, curves: { frames } }: Measure): string {
  if (simulated === 0) return "";
  return simulated < frames ? ` (${simulated} of ${frames} frames: simulated chip)` : " (simulated chip)";
}

/** Returns the analysis' name for the title, if it differs from the method, which is also shown. */
function nameNote({ analysis: { name, method } }: Measure): string {
  return name === method ? "" : `, analysis "${name}"`;
}

/**
 * Returns the note in the title if the curve begins after frames of another analysis: why, when, and how many frames are not in
 * this plot. Empty if all frames are in it, or if the others are measured along with these.
 */
function breakNote(shown: Measure, all: readonly Measure[], analyses: PlotSource["analyses"]): string {
  const [beginUs] = shown.curves.spanUs ?? [];
  if (beginUs === undefined) return "";
  // A repeated measurement begins where it was requested.
  if (shown.analysis.remeasuredAtUs !== undefined) return "";
  const earlier = all.filter(({ analysis, curves: { spanUs } }) => {
    if (spanUs === undefined || spanUs[0] >= beginUs) return false;
    return analysis.method === shown.analysis.method || spanUs[1] < beginUs;
  });
  const last = earlier.sort((a, b) => (a.curves.spanUs?.[0] ?? 0) - (b.curves.spanUs?.[0] ?? 0)).at(-1);
  if (last === undefined) return "";
  // Count only one of a method and its companion, because both measured the same frames.
  const frames = earlier
    .filter(({ analysis }) => analysis.method === last.analysis.method)
    .reduce((sum, { curves }) => sum + curves.frames, 0);
  const left = frames === 1 ? "1 earlier frame belongs" : `${frames} earlier frames belong`;
  return `, ${reasonOf(shown.analysis, last.analysis, analyses)} ${isoFromUs(beginUs)} (${left} to another analysis)`;
}

function reasonOf(now: Analysis, before: Analysis, analyses: PlotSource["analyses"]): string {
  if (now.method !== before.method) return "other method since";
  if (now.roiManifestId !== before.roiManifestId) {
    const [a, b] = [now, before].map(({ roiManifestId: id }) => (id == null ? undefined : analyses.roiManifest(id)));
    return a !== undefined && b !== undefined && isSameCalibration(a, b) ? "other ROIs since" : "recalibrated";
  }
  if (now.settings !== before.settings) return "other settings since";
  return now.method === "tracking" ? "new tracking reference" : "new version of phorest since";
}

export interface PlotFeedOptions {
  readonly title: string;
  /** Analysis.baseline_seconds. */
  readonly baselineSeconds: number;
  /** Time zone of displayed times. */
  readonly zone?: TimeZone;
  /** ROIs to draw, where `*` matches any characters; empty means all. */
  readonly labels?: readonly string[];
  /** Frames to draw; absent: all. */
  readonly window?: TimeWindow | undefined;
  /** The analysis to draw; absent: the one that measured last in a run. */
  readonly analysisId?: number | undefined;
  /** Times to mark besides the markers. */
  readonly marks?: readonly NewMarker[];
}

export class PlotFeed {
  readonly #source: PlotSource;
  readonly #title: string;
  readonly #zone: TimeZone;
  readonly #analysisId: number | undefined;
  readonly #isWanted: (label: string) => boolean;
  readonly #baseline: BaselineInForce;
  readonly #window: TimeWindow | undefined;
  readonly #marks: readonly NewMarker[];
  #levels: { readonly key: string; readonly levels: Levels } | undefined;
  readonly #measures = new Map<number, Measure>();
  readonly #temperatures = new Map<string, CurveStore>();
  #seenEntry = 0;
  #newestEntry = 0;

  constructor(
    source: PlotSource,
    { title, baselineSeconds, zone = UTC, labels = [], window, analysisId, marks = [] }: PlotFeedOptions,
  ) {
    this.#analysisId = analysisId;
    this.#source = source;
    this.#baseline = new BaselineInForce(source, baselineSeconds);
    this.#title = title;
    this.#zone = zone;
    this.#window = window;
    this.#marks = marks;
    this.#isWanted = labels.length === 0 ? () => true : labelMatcher(labels);
  }

  /** Reads new data. The cost depends only on that, not on the history. */
  refresh(): void {
    this.#readCurves();
    this.#readTemperatures();
  }

  #readCurves(): void {
    const { analyses } = this.#source;
    const along = analyses.measured().filter(({ alongWith }) => alongWith !== undefined);
    for (const analysis of analyses.all()) {
      const isAlong = along.some(({ analysisId }) => analysisId === analysis.analysisId);
      const isOfRun = analysis.remeasuredAtUs === undefined && !isAlong;
      if (!isOfRun && analysis.analysisId !== this.#analysisId) continue;
      const measure = this.#measureOf(analysis);
      for (const curve of this.#source.curves.after(analysis.analysisId, measure.seenOutcome)) {
        if (!this.#isShown(curve.capturedAtUs)) continue;
        measure.curves.add(curve.capturedAtUs, curve.position, curve.flags);
        if (curve.simulated === true) measure.simulated += 1;
        this.#newestEntry = Math.max(this.#newestEntry, curve.entryId);
        if (curve.isAlong !== true) measure.lastOutcome = Math.max(measure.lastOutcome, curve.outcomeId);
        measure.seenOutcome = curve.outcomeId;
      }
    }
  }

  #isShown(timeUs: number): boolean {
    return this.#window === undefined || (timeUs >= this.#window.fromUs && timeUs <= this.#window.toUs);
  }

  #readTemperatures(): void {
    for (;;) {
      const readings = this.#source.readings.after(this.#seenEntry, READINGS_PAGE);
      for (const { entryId, sensor, value, unit, takenAtUs } of readings) {
        this.#seenEntry = Math.max(this.#seenEntry, entryId);
        if (unit !== DEGREES || !this.#isShown(takenAtUs)) continue;
        const curve = this.#temperatures.get(sensor) ?? new CurveStore([sensor]);
        this.#temperatures.set(sensor, curve);
        curve.add(takenAtUs, [value ?? Number.NaN], SOUND);
      }
      if (readings.length > 0) continue;
      // A page has a fixed number of entries: an empty one may only mean that none of them has a reading.
      if (this.#seenEntry + READINGS_PAGE > this.#newestEntry) return;
      this.#seenEntry += READINGS_PAGE;
    }
  }

  /**
   * Returns the plot of the measurement that was last added to; undefined if there is none. Throws Failure `config.invalid` if
   * no ROI has one of the requested labels.
   */
  input(): PlotInput | undefined {
    const measures = [...this.#measures.values()].sort((a, b) => a.lastOutcome - b.lastOutcome);
    const wanted = this.#analysisId;
    const measure = wanted === undefined ? measures.at(-1) : this.#measures.get(wanted);
    if (measure === undefined) return undefined;
    const { analysis, curves } = measure;
    const baseline = this.#baseline.of(analysis.analysisId);
    const levels = this.#levelsOf(measure, baseline);
    const series = curves.labels.flatMap((label, roi) => {
      if (!this.#isWanted(label)) return [];
      const level = levels[roi] ?? Number.NaN;
      return [{ label, baselinePx: Number.isNaN(level) ? undefined : level, ...curves.curve(roi) }];
    });
    if (series.length === 0 && curves.labels.length > 0) {
      throw new Failure("config.invalid", "Report.plot_rois: no ROI has one of these names", {
        hint: `${firstNames(curves.labels)}; an empty list plots all`,
      });
    }
    const span = curves.spanUs;
    const since = breakNote(measure, measures, this.#source.analyses);
    const rois =
      analysis.roiManifestId == null ? undefined : this.#source.analyses.roiManifest(analysis.roiManifestId)?.rois;
    return {
      title: `${this.#title}${simulatedNote(measure)}${nameNote(measure)}${this.#zone.shown(since)}`,
      method: analysis.method,
      frames: curves.frames,
      timeZone: this.#zone.name,
      ...(baseline === undefined ? {} : { baseline: baselineText(baseline, this.#zone) }),
      spanMs: span === undefined ? undefined : [span[0] / 1000, span[1] / 1000],
      series,
      temperatures: [...this.#temperatures].map(
        ([sensor, store]): TemperatureSeries => ({ sensor, ...store.curve(0) }),
      ),
      markers: plotMarkers(withChangeMarks(this.#source.markers.events(), this.#marks)),
      layout: rois === undefined ? undefined : chipLayout(rois.filter(({ label }) => this.#isWanted(label))),
    };
  }

  /** Returns the level of the current baseline by ROI, px. */
  #levelsOf(
    { analysis: { analysisId }, curves: { labels, spanUs } }: Measure,
    baseline: Baseline | undefined,
  ): Float64Array {
    if (spanUs === undefined || baseline === undefined) return new Float64Array(labels.length).fill(Number.NaN);
    const { window } = baseline;
    const { fromUs, toUs } = window;
    // Frames of a past window may still arrive late.
    const key = JSON.stringify([analysisId, window, this.#source.curves.countWithin(analysisId, fromUs, toUs)]);
    if (this.#levels?.key !== key) {
      this.#levels = { key, levels: new Levels(this.#source, [{ analysisId, labels }], window) };
    }
    return this.#levels.levels.px;
  }

  #measureOf(analysis: Analysis): Measure {
    const known = this.#measures.get(analysis.analysisId);
    if (known !== undefined) return known;
    const measure = {
      analysis,
      curves: new CurveStore(analysis.labels),
      simulated: 0,
      lastOutcome: BEFORE_ALL,
      seenOutcome: undefined,
    };
    this.#measures.set(analysis.analysisId, measure);
    return measure;
  }
}
