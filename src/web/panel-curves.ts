// Computes the curves of all gratings in one pass over the frame records. Sensorgrams computes the same shifts curve by curve,
// which takes a minute for hundreds of gratings and a long experiment. Frames are read in slices so that the page stays
// responsive.
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import { levelOf } from "../assay/propagation.ts";
import { separatePair } from "../assay/sensorgram.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { PanelColumns } from "./panel-columns.ts";

const SLICE_FRAMES = 64;

/** A curve of a panel: an ROI, or the two halves of a grating. Indices in the ROI manifest. */
export interface PanelUnit {
  readonly label: string;
  readonly plain: number;
  /** Index of the flipped half; undefined for a single ROI. */
  readonly flipped: number | undefined;
  /** Factor on half the sum of the halves. */
  readonly scale: number;
  /** Whether its shift is subtracted from the others. */
  readonly reference: boolean;
}

type Source = ManifestPart<{ curves: "after" | "within" }>;

export class PanelCurves {
  readonly units: readonly PanelUnit[];
  readonly columns: PanelColumns;
  readonly #manifest: Source;
  readonly #analysis: Analysis;
  readonly #within: TimeWindow;
  /** Baseline level of each unit, px; NaN if no value in the baseline is valid. */
  readonly #levels: Float64Array;
  readonly #doubtful: Uint32Array;
  #frames = 0;
  #outcome = BEFORE_ALL;
  #reading: Promise<void> | undefined;

  /** Uses the frames captured `within`; shifts are relative to the level in the window `baseline`. */
  constructor(
    manifest: Source,
    analysis: Analysis,
    { units, baseline, within }: { units: readonly PanelUnit[]; baseline: TimeWindow; within: TimeWindow },
  ) {
    this.#manifest = manifest;
    this.#analysis = analysis;
    this.#within = within;
    this.units = units;
    this.columns = new PanelColumns(units.length);
    this.#doubtful = new Uint32Array(units.length);
    this.#levels = levelsOf(
      units,
      [...manifest.curves.within(analysis.analysisId, baseline.fromUs, baseline.toUs)],
      baseline,
    );
  }

  /** Returns the labels of the references that have a level; the others are not subtracted. */
  get references(): string[] {
    return this.units.flatMap(({ label }, at) => (this.#isSubtracted(at) ? [label] : []));
  }

  /** Returns the share of frames in which a unit is flagged or has no value, 0 to 1. */
  doubtfulShare(unit: number): number {
    return this.#frames === 0 ? 0 : (this.#doubtful[unit] as number) / this.#frames;
  }

  /** Adds new frames. Concurrent calls share one pass. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    let read = 0;
    for (const curve of this.#manifest.curves.after(this.#analysis.analysisId, this.#outcome)) {
      this.#outcome = curve.outcomeId;
      if (curve.capturedAtUs < this.#within.fromUs || curve.capturedAtUs >= this.#within.toUs) continue;
      this.#add(curve);
      read += 1;
      if (read % SLICE_FRAMES === 0) await yieldToEventLoop();
    }
  }

  #isSubtracted(unit: number): boolean {
    return this.units[unit]?.reference === true && !Number.isNaN(this.#levels[unit]);
  }

  #add(curve: Curve): void {
    const { signal, flags } = signalsOf(this.units, curve);
    const shifts = signal.map((px, unit) => (flags[unit] === 0 ? px - (this.#levels[unit] as number) : Number.NaN));
    let [sum, count] = [0, 0];
    let subtracts = false;
    shifts.forEach((shift, unit) => {
      if (!this.#isSubtracted(unit)) return;
      subtracts = true;
      if (Number.isNaN(shift)) return;
      sum += shift;
      count += 1;
    });
    const results = shifts.map((shift, unit) => {
      if (Number.isNaN(shift)) this.#doubtful[unit] = (this.#doubtful[unit] as number) + 1;
      if (!subtracts || Number.isNaN(shift)) return shift;
      // A reference is compared only with the other references.
      const own = this.#isSubtracted(unit) ? 1 : 0;
      return count > own ? shift - (sum - own * shift) / (count - own) : Number.NaN;
    });
    this.#frames += 1;
    this.columns.add(curve.capturedAtUs, results, curve.outcomeId);
  }
}

/** Returns the position of each unit in a frame, px, and its flags; with pairs, combined from the halves by `separatePair`. */
function signalsOf(units: readonly PanelUnit[], { position, flags }: Curve) {
  const half = (roi: (unit: PanelUnit) => number) => ({
    values: Float64Array.from(units, (unit) => position[roi(unit)] ?? Number.NaN),
    flags: Uint8Array.from(units, (unit) => flags[roi(unit)] ?? 0),
  });
  const pair = separatePair(
    half(({ flipped, plain }) => flipped ?? plain),
    half(({ plain }) => plain),
  );
  return { signal: pair.signal.map((px, at) => px * (units[at]?.scale ?? 1)), flags: pair.flags };
}

function levelsOf(units: readonly PanelUnit[], frames: readonly Curve[], baseline: TimeWindow): Float64Array {
  const signals = frames.map((frame) => signalsOf(units, frame));
  const timesUs = Float64Array.from(frames, ({ capturedAtUs }) => capturedAtUs);
  const unknown = new Float64Array(frames.length).fill(Number.NaN);
  return Float64Array.from(units, (_unit, at) => {
    const values = Float64Array.from(signals, ({ signal }) => signal[at] as number);
    const flags = Uint8Array.from(signals, (one) => one.flags[at] as number);
    return levelOf({ timesUs, values, flags }, unknown, baseline).px;
  });
}
