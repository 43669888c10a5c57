// What frames are measured with at the moment: the ROIs, the analysis they belong to, and its references. Replaced when the ROI
// manifest's file changes.
import { statSync } from "node:fs";
import { JumpDetector } from "../../analysis/jump.ts";
import { kernelVersion } from "../../analysis/kernel.ts";
import { ReferenceSequencer } from "../../analysis/reference-sequencer.ts";
import type { AnalysisSettings } from "../../analysis/settings.ts";
import type { TaskAnswer } from "../../analysis/task.ts";
import { failureLine } from "../../failure/failure.ts";
import type { StageLog } from "../../log/logger.ts";
import type { Claim } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { type RoiManifest, readRoiManifest } from "../../measurement/roi.ts";

export interface Measure {
  readonly stamp: string;
  readonly rois: RoiManifest;
  readonly analysisId: number;
  readonly jumps: JumpDetector;
  readonly references: ReferenceSequencer;
  readonly tracking: TrackingMeasure | undefined;
}

/** What frames are tracked with, as their method or beside it. */
export interface TrackingMeasure {
  readonly analysisId: number;
  /** Of what is carried beside another method. */
  readonly jumps: JumpDetector;
}

export interface MeasureOptions {
  readonly manifest: Manifest;
  readonly log: StageLog;
  readonly runId: number;
  readonly settings: AnalysisSettings;
  /** Of a tracking to be carried beside it. */
  readonly companion?: AnalysisSettings;
  readonly roiManifestFile: string;
  nowUs(): number;
}

export class CurrentMeasure {
  readonly #options: MeasureOptions;
  #measure: Measure | undefined;
  /** The ROIs are others than before, and the frames' curves do not show it yet. */
  #registeredAnew = false;

  constructor(options: MeasureOptions) {
    this.#options = options;
  }

  /** Throws while there are no ROIs that can be read. */
  async get(): Promise<Measure> {
    const { log, manifest, roiManifestFile, settings } = this.#options;
    const { mtimeMs = 0, size = 0 } = statSync(roiManifestFile, { throwIfNoEntry: false }) ?? {};
    const stamp = `${mtimeMs} ${size}`;
    if (this.#measure?.stamp === stamp) return this.#measure;
    let rois: RoiManifest;
    try {
      rois = await readRoiManifest(roiManifestFile);
    } catch (error) {
      // The file may be half saved or wrong: continue with the previous ROIs, and check the file again when it changes.
      if (this.#measure === undefined) throw error;
      log.error(`${failureLine(error)}: continuing with the previous ROIs`);
      this.#measure = { ...this.#measure, stamp };
      return this.#measure;
    }
    this.#measure = await manifest.whenFree(() => this.#measureBy(rois, stamp));
    log.info(`measuring ${rois.rois.length} ROIs with method ${settings.method} (${roiManifestFile})`);
    return this.#measure;
  }

  /** Curves before and after are of different ROIs: the moment is drawn into them, at the first frames claimed since. */
  async markRegistration({ rois }: RoiManifest, claims: readonly Claim[]): Promise<void> {
    if (!this.#registeredAnew || claims.length === 0) return;
    const { manifest, nowUs, log } = this.#options;
    this.#registeredAnew = false;
    const fromUs = Math.min(...claims.map(({ capturedAtUs }) => capturedAtUs));
    const text = `recalibrated: ${rois.length} ROIs`;
    const marked = await manifest.whenFree(() => manifest.markers.add(fromUs, text, nowUs()));
    if (marked === undefined)
      log.warn("the chip was recalibrated, but no marker was set because there are too many markers");
  }

  #measureBy(rois: RoiManifest, stamp: string): Measure {
    const { manifest, runId, settings } = this.#options;
    const roiManifestId = manifest.analyses.ensureRoiManifest(rois);
    const analysisId = this.#analysisOf(settings, roiManifestId);
    const before = manifest.runs.lastRoiManifest();
    this.#registeredAnew = before !== undefined && before !== roiManifestId;
    manifest.runs.noteMeasure(runId, analysisId);
    const jumps = new JumpDetector(manifest.curves.lastPositions(analysisId, rois.rois.length));
    const tracking = this.#trackingOf(analysisId, rois, roiManifestId);
    const references = this.#referencesOf(analysisId, tracking?.analysisId);
    return { stamp, rois, analysisId, jumps, references, tracking };
  }

  #analysisOf({ method, debug: _, ...others }: AnalysisSettings, roiManifestId: number): number {
    const settings = JSON.stringify(others);
    return this.#options.manifest.analyses.ensure({ method, settings, roiManifestId, kernelVersion: kernelVersion() });
  }

  #trackingOf(analysisId: number, { rois }: RoiManifest, roiManifestId: number): TrackingMeasure | undefined {
    const { manifest, settings, companion } = this.#options;
    const tracking = settings.method === "tracking" ? settings : companion;
    if (tracking === undefined) return undefined;
    const trackingId = tracking === settings ? analysisId : this.#analysisOf(tracking, roiManifestId);
    if (trackingId !== analysisId) manifest.analyses.noteCompanion(analysisId, trackingId);
    return {
      analysisId: trackingId,
      jumps: new JumpDetector(manifest.curves.lastPositions(trackingId, rois.length)),
    };
  }

  #referencesOf(analysisId: number, trackingId: number | undefined): ReferenceSequencer {
    const { manifest, settings, companion } = this.#options;
    const of = (id: number | undefined) => (id === undefined ? undefined : manifest.references.chosenLines(id));
    const reference = trackingId === undefined ? undefined : manifest.references.tracking(trackingId);
    return new ReferenceSequencer({
      ...{ settings, companion },
      drift: manifest.references.drift(analysisId),
      grown: {
        lines: { joint: of(analysisId), tracking: of(trackingId) },
        ...(reference === undefined ? {} : { reference }),
      },
    });
  }
}

/** Stores what a frame has added to what later ones are measured with. */
export function storeGrown(
  manifest: Manifest,
  { analysisId, tracking }: Measure,
  { reference, lines }: Extract<TaskAnswer, { ok: true }>,
): void {
  if (lines?.joint !== undefined) manifest.references.keepChosenLines(analysisId, lines.joint);
  if (tracking === undefined) return;
  if (lines?.tracking !== undefined) manifest.references.keepChosenLines(tracking.analysisId, lines.tracking);
  if (reference !== undefined) manifest.references.keepTracking(tracking.analysisId, reference);
}
