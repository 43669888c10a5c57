// Computes the shift of each ROI from the experiment's baseline, frame by frame. Until the baseline is complete, a frame's shift
// depends only on the frames before it, so that a frame that is sent twice has the same value twice.
import { type BaselineSource, inForce } from "../../assay/baseline.ts";
import { type LevelSource, Levels } from "../../assay/levels.ts";
import { Opening } from "../../assay/opening.ts";
import type { Curve } from "../../manifest/frame-curve.ts";
import type { ManifestPart } from "../../manifest/manifest.ts";
import type { Outcome } from "../../manifest/outcomes.ts";
import type { TimeWindow } from "../../measurement/time-window.ts";

/** Shift per ROI, px. `settled`: the baseline is complete; before that, it is the median of the frames so far. */
export interface Shift {
  readonly px: Float64Array;
  /** Standard errors of the shifts, px; NaN if a position in it has none. */
  readonly errors: Float64Array;
  readonly settled: boolean;
}

/** The first frames of one analysis. */
interface Collected {
  /** What the result depends on besides the frames. */
  readonly key: string;
  opening: Opening;
  /** In order of capture. */
  readonly frames: Curve[];
  /** The last outcome included. */
  outcomeId: number;
  /** The outcome that completed the baseline; undefined before. */
  settledBy: number | undefined;
}

type Source = BaselineSource & LevelSource & ManifestPart<{ curves: "latest" }>;

export class Baselines {
  readonly #source: Source;
  readonly #seconds: number;
  readonly #analyses = new Map<number, Collected>();
  #levels: { readonly key: string; readonly levels: Levels } | undefined;

  /** @param seconds length of the baseline, from the first frame on (Analysis.baseline_seconds). */
  constructor(source: Source, seconds: number) {
    this.#source = source;
    this.#seconds = seconds;
  }

  /** Returns the shifts of a measured frame; undefined for a failed one. */
  shiftOf(outcome: Outcome): Shift | undefined {
    const { analysisId, outcomeId, measured, labels } = outcome;
    if (measured === undefined) return undefined;
    const { markers } = this.#source;
    const collected = this.#upTo(analysisId, outcomeId);
    const markersUs = markers.moments();
    const quiet = collected.opening.quiet(markersUs, markers.firstInjectionUs());
    if (quiet === undefined) return undefined;
    const baseline = inForce(markers.baseline(), collected.opening.firstUs as number, quiet);
    const isChosen = baseline.origin === "chosen";
    const isSettled = isChosen || collected.settledBy !== undefined;
    const frames = isSettled ? undefined : collected.frames.map(({ entryId }) => entryId);
    const levels = this.#levelsOf({ analysisId, labels }, baseline.window, frames);
    return {
      px: measured.position.map((position, roi) => position - (levels.px[roi] as number)),
      errors: measured.standardError.map((error, roi) =>
        Math.sqrt(Math.max(0, levels.shiftVariance(roi, outcome.entryId, error))),
      ),
      settled: outcome.capturedAtUs >= baseline.window.toUs || (isSettled && this.#isOver(analysisId, baseline.window)),
    };
  }

  #isOver(analysisId: number, { toUs }: TimeWindow): boolean {
    return this.#source.curves.within(analysisId, toUs, Number.MAX_SAFE_INTEGER).next().done === false;
  }

  /** `frames`: those that count; undefined: all frames of the window. */
  #levelsOf(
    analysis: Pick<Outcome, "analysisId" | "labels">,
    window: TimeWindow,
    frames: readonly number[] | undefined,
  ) {
    const open = this.#isOver(analysis.analysisId, window)
      ? "over"
      : this.#source.curves.latest(analysis.analysisId, 1)[0]?.outcomeId;
    const key = JSON.stringify([analysis.analysisId, window, this.#source.archives.last(), frames ?? open]);
    if (this.#levels?.key !== key) {
      const levels = new Levels(this.#source, [analysis], window, { before: this.#levels?.levels, frames });
      this.#levels = { key, levels };
    }
    return this.#levels.levels;
  }

  #upTo(analysisId: number, outcomeId: number): Collected {
    const { markers, archives } = this.#source;
    const markersUs = markers.moments();
    const key = JSON.stringify([markersUs, archives.last()]);
    const known = this.#analyses.get(analysisId);
    const isSame = known?.key === key;
    if (isSame && known.settledBy !== undefined && known.settledBy <= outcomeId) return known;
    // A frame before the last included one (sent again, or after the latest): later outcomes do not count.
    const goesOn = isSame && known.settledBy === undefined && known.outcomeId <= outcomeId;
    const collected = goesOn ? known : this.#nothing(key);
    this.#analyses.set(analysisId, collected);
    for (const curve of this.#source.curves.after(analysisId, collected.outcomeId)) {
      if (curve.outcomeId > outcomeId) break;
      this.#add(collected, curve);
      if (collected.opening.quiet(markersUs, markers.firstInjectionUs())?.settled !== true) continue;
      collected.settledBy = curve.outcomeId;
      break;
    }
    return collected;
  }

  #nothing(key: string): Collected {
    return { key, opening: new Opening(this.#seconds), frames: [], outcomeId: 0, settledBy: undefined };
  }

  #add(collected: Collected, curve: Curve): void {
    collected.outcomeId = curve.outcomeId;
    const { frames, opening } = collected;
    const isLate = curve.capturedAtUs < (opening.lastUs ?? 0);
    frames.push(curve);
    if (!isLate) {
      opening.add(curve);
      return;
    }
    frames.sort((a, b) => a.capturedAtUs - b.capturedAtUs);
    collected.opening = new Opening(this.#seconds);
    for (const frame of frames) collected.opening.add(frame);
  }
}
