// The level of every ROI's baseline, and how it errs: what shifts of whole frames are counted from.
import { levelOf, shiftVariance } from "../assay/propagation.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import type { TimeWindow } from "../measurement/time-window.ts";

export class Levels {
  /** Per ROI, px; NaN where there is none. */
  readonly px: Float64Array;
  /** Per ROI, px². */
  readonly variance: Float64Array;
  /** Standard errors by entry: those of a frame never change. */
  readonly #errors: Map<number, Float64Array>;
  readonly #place: ReadonlyMap<number, number>;
  /** Per ROI what each frame of the window has of the level. */
  readonly #shares: readonly Float64Array[];

  /** Reads the frames of a window; of `before`, levels of the same analysis, what is known of them already. */
  constructor(
    manifest: ManifestPart<{ curves: "within"; results: "standardErrors" }>,
    { analysisId, labels }: Analysis,
    window: TimeWindow,
    before?: Levels,
  ) {
    const frames: Curve[] = [...manifest.curves.within(analysisId, window.fromUs, window.toUs)];
    const entries = frames.map(({ entryId }) => entryId);
    const known = before === undefined ? new Map<number, Float64Array>() : before.#errors;
    const unread = entries.filter((entry) => !known.has(entry));
    const errors = new Map([...known, ...manifest.results.standardErrors(analysisId, unread, labels.length)]);
    this.#errors = new Map(
      entries.flatMap((entry) => {
        const of = errors.get(entry);
        return of === undefined ? [] : [[entry, of] as const];
      }),
    );
    const timesUs = Float64Array.from(frames, ({ capturedAtUs }) => capturedAtUs);
    this.px = new Float64Array(labels.length);
    this.variance = new Float64Array(labels.length);
    this.#place = new Map(entries.map((entry, at) => [entry, at]));
    this.#shares = labels.map((_label, roi) => {
      const trace = {
        timesUs,
        values: Float64Array.from(frames, ({ position }) => position[roi] ?? Number.NaN),
        flags: Uint8Array.from(frames, ({ flags }) => flags[roi] ?? 0),
      };
      const standardError = Float64Array.from(entries, (entry) => this.#errors.get(entry)?.[roi] ?? Number.NaN);
      const level = levelOf(trace, standardError, window);
      this.px[roi] = level.px;
      this.variance[roi] = level.variance;
      const shares = new Float64Array(frames.length);
      level.index.forEach((at, i) => {
        shares[at] = level.shares[i] as number;
      });
      return shares;
    });
  }

  /** Variance of the shift of an ROI in a frame, px², from the standard error of its position. */
  shiftVariance(roi: number, entryId: number, standardError: number): number {
    const at = this.#place.get(entryId);
    const share = at === undefined ? 0 : (this.#shares[roi]?.[at] ?? 0);
    return shiftVariance(standardError, { variance: this.variance[roi] ?? Number.NaN }, share);
  }
}
