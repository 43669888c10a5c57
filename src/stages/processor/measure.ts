// What frames are currently measured with: the ROIs, the analysis they belong to, and its references. Replaced when the ROI
// manifest's file changes.
import { statSync } from "node:fs";
import { JumpDetector } from "../../analysis/jump.ts";
import { kernelVersion } from "../../analysis/native-kernel.ts";
import { ReferenceSequencer } from "../../analysis/reference-sequencer.ts";
import type { AnalysisSettings } from "../../analysis/settings.ts";
import { failureLine } from "../../failure/failure.ts";
import type { Claim } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { isSameCalibration, keepRois } from "../../measurement/keep-rois.ts";
import { type RoiManifest, readRoiManifest } from "../../measurement/roi.ts";
import { counted } from "../../system/counted.ts";
import type { StageContext } from "../contract/stage-definition.ts";
import { storedReferences } from "./stored-references.ts";

export interface Measure {
  readonly stamp: string;
  readonly rois: RoiManifest;
  readonly analysisId: number;
  readonly jumps: JumpDetector;
  readonly references: ReferenceSequencer;
  readonly tracking: TrackingMeasure | undefined;
}

/** What frames are tracked with, if tracking is their method or is measured along with it. */
export interface TrackingMeasure {
  readonly analysisId: number;
  /** For a tracking measured along with another method. */
  readonly jumps: JumpDetector;
}

export interface MeasureOptions extends Pick<StageContext, "manifest" | "log" | "runId" | "nowUs"> {
  readonly settings: AnalysisSettings;
  /** Settings of a tracking measured along with it. */
  readonly companion?: AnalysisSettings;
  readonly roiManifestFile: string;
  /** Label patterns of the ROIs that are measured; none: all. */
  readonly keptRois?: readonly string[];
}

/** Provides what frames are measured with. */
export interface MeasureSource {
  /** Throws if there are no readable ROIs. */
  get(): Promise<Measure>;
  /** Called with the first frames that are measured with `rois`. */
  markRegistration(rois: RoiManifest, claims: readonly Claim[]): Promise<void>;
  /** What is left out of the ROIs, for `status`; empty if nothing is. */
  note?(): string;
}

export class CurrentMeasure implements MeasureSource {
  readonly #options: MeasureOptions;
  #measure: Measure | undefined;
  #note = "";
  /** How the ROIs differ from the previous ones, until this is marked in the frames' curves. */
  #change: "recalibrated" | "other ROIs" | undefined;

  constructor(options: MeasureOptions) {
    this.#options = options;
  }

  /** Returns the current Measure. Throws if there are no readable ROIs. */
  async get(): Promise<Measure> {
    const { log, manifest, roiManifestFile, settings, keptRois = [] } = this.#options;
    const { mtimeMs = 0, size = 0 } = statSync(roiManifestFile, { throwIfNoEntry: false }) ?? {};
    const stamp = `${mtimeMs} ${size}`;
    if (this.#measure?.stamp === stamp) return this.#measure;
    let rois: RoiManifest;
    try {
      const all = await readRoiManifest(roiManifestFile);
      rois = keepRois(all, keptRois, "Data_Analysis.rois");
      const left = all.rois.length - rois.rois.length;
      this.#note =
        left === 0 ? "" : `left out ${left} of ${counted(all.rois.length, "ROI")} (Data_Analysis.rois or --roi)`;
    } catch (error) {
      // The file may be half saved or wrong: continue with the previous ROIs, and check the file again when it changes.
      if (this.#measure === undefined) throw error;
      log.error(`${failureLine(error)}: continuing with the previous ROIs`);
      this.#measure = { ...this.#measure, stamp };
      return this.#measure;
    }
    this.#measure = await manifest.whenFree(() => this.#measureBy(rois, stamp));
    log.info(`measuring ${counted(rois.rois.length, "ROI")} with method ${settings.method} (${roiManifestFile})`);
    return this.#measure;
  }

  note(): string {
    return this.#note;
  }

  /** Curves before and after are of different ROIs: adds a marker at the first frame claimed since. */
  async markRegistration({ rois }: RoiManifest, claims: readonly Claim[]): Promise<void> {
    const change = this.#change;
    if (change === undefined || claims.length === 0) return;
    const { manifest, nowUs, log } = this.#options;
    this.#change = undefined;
    const fromUs = Math.min(...claims.map(({ capturedAtUs }) => capturedAtUs));
    const text = change === "recalibrated" ? `${change}: ${counted(rois.length, "ROI")}` : `${change}: ${rois.length}`;
    const marked = await manifest.whenFree(() => manifest.markers.add(fromUs, text, nowUs()));
    if (marked === undefined)
      log.warn(`the ROIs changed (${text}), but no marker was set because there are too many markers`);
  }

  #measureBy(rois: RoiManifest, stamp: string): Measure {
    const { manifest, runId, settings, companion } = this.#options;
    const roiManifestId = manifest.analyses.ensureRoiManifest(rois);
    const analysisId = this.#analysisOf(settings, roiManifestId);
    const before = manifest.runs.lastRoiManifest();
    const earlier = before === undefined ? undefined : manifest.analyses.roiManifest(before);
    if (before !== undefined && before !== roiManifestId) {
      this.#change = earlier !== undefined && isSameCalibration(earlier, rois) ? "other ROIs" : "recalibrated";
    } else this.#change = undefined;
    manifest.runs.noteMeasure(runId, analysisId);
    const trackingId = this.#trackingOf(analysisId, roiManifestId);
    return openMeasure(manifest, { settings, companion, rois, analysisId, trackingId, stamp });
  }

  #analysisOf({ method, debug: _, ...others }: AnalysisSettings, roiManifestId: number): number {
    const settings = JSON.stringify(others);
    return this.#options.manifest.analyses.ensure({ method, settings, roiManifestId, kernelVersion: kernelVersion() });
  }

  #trackingOf(analysisId: number, roiManifestId: number): number | undefined {
    const { manifest, settings, companion } = this.#options;
    if (settings.method === "tracking") return analysisId;
    if (companion === undefined) return undefined;
    const trackingId = this.#analysisOf(companion, roiManifestId);
    manifest.analyses.noteCompanion(analysisId, trackingId);
    return trackingId;
  }
}

export interface OpenedMeasure extends Pick<MeasureOptions, "settings"> {
  readonly companion?: AnalysisSettings | undefined;
  readonly rois: RoiManifest;
  readonly analysisId: number;
  /** The tracking analysis: the same one, or that of the companion; undefined if nothing is tracked. */
  readonly trackingId: number | undefined;
  readonly stamp: string;
}

/** Continues where the analyses are, with their references and last positions. */
export function openMeasure(
  manifest: Manifest,
  { settings, companion, rois, analysisId, trackingId, stamp }: OpenedMeasure,
): Measure {
  const jumpsOf = (id: number) => new JumpDetector(manifest.curves.lastPositions(id, rois.rois.length));
  const jumps = jumpsOf(analysisId);
  const tracking = trackingId === undefined ? undefined : { analysisId: trackingId, jumps: jumpsOf(trackingId) };
  manifest.references.adoptDrift(analysisId);
  const made = storedReferences(manifest, { analysisId, tracking });
  const references = new ReferenceSequencer({ settings, companion, measuresDrift: true, made });
  return { stamp, rois, analysisId, jumps, references, tracking };
}
