// The shift of each ROI since the beginning of the experiment, frame by frame as they come. What is said of a frame depends
// on the frames before it alone, so that the same frame sent twice is the same twice.
import { type Level, levelOf, shiftVariance } from "../../assay/propagation.ts";
import type { Curve } from "../../manifest/frame-curve.ts";
import type { ManifestPart } from "../../manifest/manifest.ts";
import type { Outcome } from "../../manifest/outcomes.ts";

/** px per ROI. `settled`: the baseline is complete; before, it is the median of what there is of it. */
export interface Shift {
  readonly px: Float64Array;
  /** Standard errors of the same, px; NaN where a position that is in it has none. */
  readonly errors: Float64Array;
  readonly settled: boolean;
}

/** The sound positions of one analysis in its baseline. */
interface Collected {
  fromUs: number | undefined;
  /** The last outcome looked at. */
  outcomeId: number;
  readonly frames: BaselineFrame[];
  level: readonly Level[] | undefined;
}

/** A frame of the baseline with the standard errors of its positions. */
type BaselineFrame = Curve & { readonly standardError: Float64Array };

type Source = ManifestPart<{ curves: "after"; results: "standardErrors" }>;

export class Baselines {
  readonly #source: Source;
  readonly #lengthUs: number;
  readonly #analyses = new Map<number, Collected>();

  /** @param seconds length of the baseline, from the first frame on (Analysis.baseline_seconds). */
  constructor(source: Source, seconds: number) {
    this.#source = source;
    this.#lengthUs = seconds * 1e6;
  }

  /** The shifts of a measured frame; undefined for one that failed. */
  shiftOf({ analysisId, outcomeId, measured, labels }: Outcome): Shift | undefined {
    if (measured === undefined) return undefined;
    const { frames, level } = this.#upTo(analysisId, outcomeId, labels.length);
    const levels = level ?? levelsOf(frames, labels.length);
    // While the baseline is collected its last frame is this one.
    const last = level === undefined ? frames.length - 1 : Number.NaN;
    const shareOf = ({ index, shares }: Level) => (index.at(-1) === last ? (shares.at(-1) as number) : 0);
    const of = (roi: number) => levels[roi] as Level;
    return {
      px: measured.position.map((position, roi) => position - of(roi).px),
      errors: measured.standardError.map((error, roi) =>
        Math.sqrt(Math.max(0, shiftVariance(error, of(roi), shareOf(of(roi))))),
      ),
      settled: level !== undefined,
    };
  }

  #upTo(analysisId: number, outcomeId: number, rois: number): Collected {
    const known = this.#analyses.get(analysisId);
    if (known?.level !== undefined) return known;
    // A frame before the last one looked at (sent again, or after the latest): what came after it has no say.
    const collected =
      known !== undefined && known.outcomeId <= outcomeId
        ? known
        : { fromUs: undefined, outcomeId: 0, frames: [], level: undefined };
    this.#analyses.set(analysisId, collected);
    for (const curve of this.#source.curves.after(analysisId, collected.outcomeId)) {
      if (curve.outcomeId > outcomeId) break;
      collected.outcomeId = curve.outcomeId;
      collected.fromUs ??= curve.capturedAtUs;
      // The first frame behind the window ends it for good.
      if (curve.capturedAtUs >= collected.fromUs + this.#lengthUs) {
        collected.level = levelsOf(collected.frames, rois);
        collected.frames.length = 0;
        break;
      }
      const errors = this.#source.results.standardErrors(analysisId, [curve.entryId], rois).get(curve.entryId);
      collected.frames.push({ ...curve, standardError: errors ?? new Float64Array(rois).fill(Number.NaN) });
    }
    return collected;
  }
}

function levelsOf(frames: readonly BaselineFrame[], rois: number): Level[] {
  const timesUs = Float64Array.from(frames, ({ capturedAtUs }) => capturedAtUs);
  return Array.from({ length: rois }, (_, roi) => {
    const values = Float64Array.from(frames, ({ position }) => position[roi] ?? Number.NaN);
    const flags = Uint8Array.from(frames, (frame) => frame.flags[roi] ?? 0);
    const errors = Float64Array.from(frames, ({ standardError }) => standardError[roi] ?? Number.NaN);
    return levelOf({ timesUs, values, flags }, errors, ALWAYS);
  });
}

const ALWAYS = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };
