// The shift of each ROI since the beginning of the experiment, frame by frame as they come. What is said of a frame depends
// on the frames before it alone, so that the same frame sent twice is the same twice.
import { medianOf } from "../analysis/statistics.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Outcome } from "../manifest/outputs.ts";

/** px per ROI. `settled`: the baseline is complete; before, it is the median of what there is of it. */
export interface Shift {
  readonly px: Float64Array;
  readonly settled: boolean;
}

/** The sound positions of one analysis in its baseline. */
interface Collected {
  fromUs: number | undefined;
  /** The last outcome looked at. */
  outcomeId: number;
  /** Per ROI. */
  readonly points: number[][];
  level: Float64Array | undefined;
}

export class Baselines {
  readonly #source: Pick<Manifest, "curves">;
  readonly #lengthUs: number;
  readonly #analyses = new Map<number, Collected>();

  /** @param seconds length of the baseline, from the first frame on (Analysis.baseline_seconds). */
  constructor(source: Pick<Manifest, "curves">, seconds: number) {
    this.#source = source;
    this.#lengthUs = seconds * 1e6;
  }

  /** The shifts of a measured frame; undefined for one that failed. */
  shiftOf({ analysisId, outcomeId, measured, labels }: Outcome): Shift | undefined {
    if (measured === undefined) return undefined;
    const collected = this.#upTo(analysisId, outcomeId, labels.length);
    const level = collected.level ?? levelOf(collected.points);
    const px = measured.position.map((position, roi) => position - (level[roi] as number));
    return { px, settled: collected.level !== undefined };
  }

  #upTo(analysisId: number, outcomeId: number, rois: number): Collected {
    const known = this.#analyses.get(analysisId);
    if (known?.level !== undefined) return known;
    // A frame before the last one looked at (sent again, or after the latest): what came after it has no say.
    const collected =
      known !== undefined && known.outcomeId <= outcomeId
        ? known
        : { fromUs: undefined, outcomeId: 0, points: Array.from({ length: rois }, () => []), level: undefined };
    this.#analyses.set(analysisId, collected);
    for (const curve of this.#source.curves(analysisId, collected.outcomeId)) {
      if (curve.outcomeId > outcomeId) break;
      collected.outcomeId = curve.outcomeId;
      collected.fromUs ??= curve.capturedAtUs;
      // The first frame behind the window ends it for good.
      if (curve.capturedAtUs >= collected.fromUs + this.#lengthUs) {
        collected.level = levelOf(collected.points);
        collected.points.length = 0;
        break;
      }
      curve.position.forEach((px, roi) => {
        if (curve.flags[roi] === 0 && Number.isFinite(px)) collected.points[roi]?.push(px);
      });
    }
    return collected;
  }
}

function levelOf(points: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(points, (values) => medianOf(Float64Array.from(values)));
}
