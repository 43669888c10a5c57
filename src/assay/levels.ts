// Computes the baseline level of every ROI and its error, for the shifts of whole frames.

import type { Analysis } from "../manifest/analyses.ts";
import type { FramePositions } from "../manifest/frame-positions.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { levelOf, shiftVariance } from "./propagation.ts";

export type LevelSource = ManifestPart<{ curves: "within"; results: "framePositions" }>;

/** A frame of a baseline. */
interface LevelFrame extends FramePositions {
  readonly entryId: number;
  readonly capturedAtUs: number;
  readonly flags: Uint8Array;
}

export interface LevelOptions {
  /** Earlier levels: frames that they have read are not read again. */
  readonly before?: Levels | undefined;
  /** Entries to use; absent: all of the window. */
  readonly frames?: readonly number[] | undefined;
}

export class Levels {
  /** Level of each ROI: the median of its positions without flags, px; NaN if there is none. */
  readonly px: Float64Array;
  /** Variance of each level, px². */
  readonly variance: Float64Array;
  /** Positions by entry. The positions of a frame never change. */
  readonly #known: ReadonlyMap<number, FramePositions>;
  readonly #place: ReadonlyMap<number, number>;
  /** Share of each frame of the window in the level, by ROI. */
  readonly #shares: readonly Float64Array[];

  /** Reads the frames of a window. Several analyses can have the same ROIs but different frames. */
  constructor(
    source: LevelSource,
    analyses: readonly Pick<Analysis, "analysisId" | "labels">[],
    window: TimeWindow,
    { before, frames: wanted }: LevelOptions = {},
  ) {
    const known = before === undefined ? new Map<number, FramePositions>() : before.#known;
    const all = analyses.flatMap((analysis) => framesIn(source, analysis, window, known));
    const chosen = wanted && new Set(wanted);
    const frames = chosen === undefined ? all : all.filter(({ entryId }) => chosen.has(entryId));
    this.#known = new Map(frames.map((frame) => [frame.entryId, frame]));
    const rois = analyses[0]?.labels.length ?? 0;
    const timesUs = Float64Array.from(frames, ({ capturedAtUs }) => capturedAtUs);
    this.px = new Float64Array(rois);
    this.variance = new Float64Array(rois);
    this.#place = new Map(frames.map(({ entryId }, at) => [entryId, at]));
    this.#shares = Array.from({ length: rois }, (_, roi) => {
      const values = Float64Array.from(frames, ({ position }) => position[roi] ?? Number.NaN);
      const flags = Uint8Array.from(frames, (frame) => frame.flags[roi] ?? 0);
      const standardError = Float64Array.from(frames, (frame) => frame.standardError[roi] ?? Number.NaN);
      const level = levelOf({ timesUs, values, flags }, standardError, window);
      this.px[roi] = level.px;
      this.variance[roi] = level.variance;
      const shares = new Float64Array(frames.length);
      level.index.forEach((at, i) => {
        shares[at] = level.shares[i] as number;
      });
      return shares;
    });
  }

  /** Returns the variance of an ROI's shift in a frame, px², from the standard error of its position. */
  shiftVariance(roi: number, entryId: number, standardError: number): number {
    const at = this.#place.get(entryId);
    const share = at === undefined ? 0 : (this.#shares[roi]?.[at] ?? 0);
    return shiftVariance(standardError, { variance: this.variance[roi] ?? Number.NaN }, share);
  }
}

function framesIn(
  { curves, results }: LevelSource,
  { analysisId, labels }: Pick<Analysis, "analysisId" | "labels">,
  { fromUs, toUs }: TimeWindow,
  known: ReadonlyMap<number, FramePositions>,
): LevelFrame[] {
  const frames = [...curves.within(analysisId, fromUs, toUs)];
  const unread = frames.map(({ entryId }) => entryId).filter((entryId) => !known.has(entryId));
  const read = results.framePositions(analysisId, unread, labels.length);
  return frames.flatMap(({ entryId, capturedAtUs, flags }) => {
    const found = known.get(entryId) ?? read.get(entryId);
    return found === undefined ? [] : [{ ...found, entryId, capturedAtUs, flags }];
  });
}
