// The state of every ROI in the last frame, and its shift since the baseline.

import type { CurveManifest } from "../assay/joined.ts";
import { Levels } from "../assay/levels.ts";
import type { Config } from "../config/schema.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { newestOf } from "../manifest/newest.ts";
import type { FrameResults } from "../manifest/outcomes.ts";
import { groupsOf, labelMatcher, pairsOf } from "../measurement/labels.ts";
import { flagNames } from "../measurement/method.ts";
import type { Roi } from "../measurement/roi.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { BaselineView, ChipView, RoiView } from "./views.ts";

export class ChipState {
  readonly #manifest: CurveManifest;
  readonly #config: Config["Analysis"];
  #levels: { readonly key: string; readonly analysisId: number; readonly levels: Levels } | undefined;

  constructor(manifest: CurveManifest, config: Config["Analysis"]) {
    this.#manifest = manifest;
    this.#config = config;
  }

  /** Returns, for each ROI, the median of the valid positions in the baseline, with its error. */
  levels(analysis: Analysis, window: TimeWindow): Levels {
    const { analysisId } = analysis;
    // Frames of the window may also arrive late.
    const frames = this.#manifest.curves.countWithin(analysisId, window.fromUs, window.toUs);
    const key = JSON.stringify([analysisId, window.fromUs, window.toUs, frames, this.#manifest.archives.last()]);
    if (this.#levels?.key === key) return this.#levels.levels;
    const before = this.#levels?.analysisId === analysisId ? this.#levels.levels : undefined;
    const levels = new Levels(this.#manifest, [analysis], window, { before });
    this.#levels = { key, analysisId, levels };
    return levels;
  }

  /** Returns undefined before the first result. */
  view(analysis: Analysis, window: TimeWindow, baseline: BaselineView): ChipView | undefined {
    const last = newestOf(this.recent(analysis));
    const manifest =
      analysis.roiManifestId === undefined ? undefined : this.#manifest.analyses.roiManifest(analysis.roiManifestId);
    if (last === undefined || manifest === undefined) return undefined;
    const levels = this.levels(analysis, window);
    const isReference = labelMatcher(this.#config.reference_rois);
    const lines = this.#manifest.references.linesOf(analysis);
    const rois = manifest.rois.map((roi, at): RoiView => {
      const position = last.position[at] ?? Number.NaN;
      const standardError = last.standardError[at] ?? Number.NaN;
      return {
        ...placeOf(roi),
        position: finite(position),
        standardError: finite(standardError),
        shift: finite(position - (levels.px[at] ?? Number.NaN)),
        shiftError: finite(Math.sqrt(levels.shiftVariance(at, last.entryId, standardError))),
        quality: finite(last.quality[at]),
        flags: flagNames(last.flags[at] ?? 0),
        line: lines?.[at],
      };
    });
    const labels = rois.map(({ label }) => label);
    return {
      analysisId: analysis.analysisId,
      name: analysis.name,
      method: analysis.method,
      imageAngle: manifest.imageAngle,
      capturedAt: last.capturedAtUs / 1000,
      baseline,
      rois,
      gratings: pairsOf(manifest.rois).map(({ label }) => label),
      groups: [...new Set(labels.flatMap((label) => groupsOf(label, this.#config.groups)))].sort(),
      references: labels.filter(isReference),
    };
  }

  /** Returns the results of the last few frames, in order of completion. */
  recent(analysis: Analysis): FrameResults[] {
    return this.#manifest.outcomes.latestResults(analysis);
  }
}

function placeOf({ label, flip, x, y, width, height }: Roi) {
  return { label, flip, x, y, width, height };
}

/** Converts NaN and missing values to null, because JSON has no NaN. */
export function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
