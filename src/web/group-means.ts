// Computes the mean curve of each group of ROIs over all frames. Reads the frame records once, in slices so that the page stays
// responsive, and then adds only new frames.
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import type { Levels } from "../assay/levels.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { FramePositions } from "../manifest/frame-positions.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import type { CurveData } from "./decimate.ts";

const SLICE_FRAMES = 64;

/** A group's members, as indices in the ROI manifest. */
interface Mean {
  readonly members: readonly number[];
  readonly values: number[];
  readonly errors: number[];
}

/** A mean over the members of a group, frame by frame. */
export interface GroupMean extends CurveData {
  readonly errors: Float64Array;
  readonly members: number;
}

type Source = ManifestPart<{ curves: "after"; results: "framePositions" }>;

export class GroupMeans {
  readonly #manifest: Source;
  readonly #analysis: Analysis;
  readonly #levels: Levels;
  readonly #groups: ReadonlyMap<string, Mean>;
  readonly #times: number[] = [];
  #outcome = BEFORE_ALL;
  #reading: Promise<void> | undefined;

  /** `groups`: maps a name to its members, all of which must have a level. */
  constructor(manifest: Source, analysis: Analysis, levels: Levels, groups: ReadonlyMap<string, readonly number[]>) {
    this.#manifest = manifest;
    this.#analysis = analysis;
    this.#levels = levels;
    this.#groups = new Map([...groups].map(([name, members]) => [name, { members, values: [], errors: [] }]));
  }

  /** Adds new frames. Concurrent calls share one pass. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /**
   * Returns the mean shift of the valid members in each frame, px, and its standard error; NaN if there is no valid point.
   * Undefined for an unknown group.
   */
  curve(name: string): GroupMean | undefined {
    const mean = this.#groups.get(name);
    if (mean === undefined) return undefined;
    const order = Array.from(this.#times.keys());
    const at = (place: number) => this.#times[place] as number;
    if (order.some((place) => place > 0 && at(place) < at(place - 1))) order.sort((a, b) => at(a) - at(b));
    return {
      timesUs: Float64Array.from(order, at),
      values: Float64Array.from(order, (place) => mean.values[place] as number),
      errors: Float64Array.from(order, (place) => mean.errors[place] as number),
      flags: new Uint8Array(order.length),
      members: mean.members.length,
    };
  }

  async #read(): Promise<void> {
    let slice: Curve[] = [];
    for (const curve of this.#manifest.curves.after(this.#analysis.analysisId, this.#outcome)) {
      slice.push(curve);
      if (slice.length < SLICE_FRAMES) continue;
      this.#add(slice);
      slice = [];
      await yieldToEventLoop();
    }
    this.#add(slice);
  }

  #add(slice: readonly Curve[]): void {
    const { analysisId, labels } = this.#analysis;
    const entries = slice.map(({ entryId }) => entryId);
    const measured = this.#manifest.results.framePositions(analysisId, entries, labels.length);
    for (const curve of slice) {
      this.#times.push(curve.capturedAtUs);
      for (const group of this.#groups.values()) {
        const mean = meanShift(group.members, curve, measured.get(curve.entryId), this.#levels);
        group.values.push(mean.value);
        group.errors.push(mean.error);
      }
      this.#outcome = curve.outcomeId;
    }
  }
}

/** Returns the mean shift of the members, whose errors are independent; each has its own level. */
function meanShift(
  members: readonly number[],
  { entryId, flags }: Curve,
  measured: FramePositions | undefined,
  levels: Levels,
): { readonly value: number; readonly error: number } {
  let [sum, variance, count] = [0, 0, 0];
  for (const roi of members) {
    const value = measured?.position[roi] ?? Number.NaN;
    if (flags[roi] !== 0 || !Number.isFinite(value)) continue;
    sum += value - (levels.px[roi] as number);
    variance += levels.shiftVariance(roi, entryId, measured?.standardError[roi] ?? Number.NaN);
    count += 1;
  }
  if (count === 0) return { value: Number.NaN, error: Number.NaN };
  return { value: sum / count, error: Math.sqrt(variance) / count };
}
