// The arithmetic of sensorgrams: converts positions over time to meaningful shifts. Pure functions on arrays of
// equal length in order of capture, one element per frame, NaN if there is no number.
//
//   position ─ baseline ─▶ shift ─ reference ROIs ─▶ referenced ─ blank injection ─▶ double referenced ─▶ RIU
//
// A flagged point is never removed or changed. It is only ignored in values computed from several points: baselines,
// the mean of the references, noise, drift, smooth curves.

import { medianOf } from "../measurement/statistics.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { CurveErrors } from "./curve-errors.ts";

/** One curve: any quantity over the frames. */
export interface Trace {
  readonly timesUs: Float64Array;
  readonly values: Float64Array;
  /** FLAGS bits. */
  readonly flags: Uint8Array;
}

/** Whether a point is valid: it has a number and no flag. */
export function isSound({ values, flags }: Pick<Trace, "values" | "flags">, at: number): boolean {
  return flags[at] === 0 && Number.isFinite(values[at]);
}

/** The valid points of a window, and the number of the others. */
export interface Selection {
  readonly timesUs: Float64Array;
  readonly values: Float64Array;
  /** Index of each in the trace, ascending. */
  readonly index: Int32Array;
  /** Points in the window left out because they are flagged or no number. */
  readonly excluded: number;
}

/** Returns the valid points of a trace within a window. */
export function soundPoints(trace: Trace, { fromUs, toUs }: TimeWindow): Selection {
  const index: number[] = [];
  let excluded = 0;
  trace.timesUs.forEach((timeUs, at) => {
    if (timeUs < fromUs || timeUs >= toUs) return;
    if (isSound(trace, at)) index.push(at);
    else excluded++;
  });
  return {
    timesUs: Float64Array.from(index, (at) => trace.timesUs[at] as number),
    values: Float64Array.from(index, (at) => trace.values[at] as number),
    index: Int32Array.from(index),
    excluded,
  };
}

/** Subtracts a level from `values`. */
export function shiftFrom(values: Float64Array, level: number): Float64Array {
  return values.map((value) => value - level);
}

/** Sums over the curves that are valid in a frame. */
interface FrameSum {
  count: number;
  value: number;
  own: number;
  level: number;
  overlap: number;
}

/** A curve that contributes to a mean: its valid points, and their errors. */
export interface MeanMember extends Omit<Trace, "timesUs"> {
  readonly errors?: CurveErrors;
}

/** The mean of several curves by frame: of references, or of a group. Their errors must be independent. */
export class FrameMean {
  readonly #sums = new Map<number, FrameSum>();

  /** Adds a curve's valid points; `entryId` is the frame of each. */
  add(entryId: Float64Array, curve: MeanMember): void {
    entryId.forEach((entry, at) => {
      if (!isSound(curve, at)) return;
      const sum = this.#sums.get(entry) ?? { count: 0, value: 0, own: 0, level: 0, overlap: 0 };
      this.#sums.set(entry, sum);
      addTo(sum, curve, at, 1);
    });
  }

  /** Returns the mean in each frame; NaN if no curve has a valid point. */
  of(entryId: Float64Array): Float64Array {
    return entryId.map((entry) => {
      const { value, count } = this.#sums.get(entry) ?? NOTHING;
      return value / count;
    });
  }

  /**
   * Subtracts the mean of the same frame from a curve; NaN if no curve has a valid point. If the curve is part of the mean
   * (`itself`), it is compared with the others only: minus a mean that includes it, it would look quieter than it is.
   */
  subtractFrom(entryId: Float64Array, curve: MeanMember, itself: boolean): Float64Array {
    return curve.values.map((value, at) => {
      const others = this.#others(entryId[at] as number, curve, at, itself);
      return others.count > 0 ? value - others.value / others.count : Number.NaN;
    });
  }

  /** Returns the errors of the mean that `subtractFrom` subtracts, or of the whole mean; NaN if there is no valid point. */
  errors(entryId: Float64Array, curve?: MeanMember): CurveErrors {
    const sums = Array.from(entryId, (entry, at) => this.#others(entry, curve, at, curve !== undefined));
    const part = (key: keyof CurveErrors) => Float64Array.from(sums, (sum) => sum[key] / (sum.count * sum.count));
    return { own: part("own"), level: part("level"), overlap: part("overlap") };
  }

  #others(entry: number, curve: MeanMember | undefined, at: number, itself: boolean): FrameSum {
    const sum = this.#sums.get(entry) ?? NOTHING;
    if (curve === undefined || !itself || !isSound(curve, at)) return sum;
    const others = { ...sum };
    addTo(others, curve, at, -1);
    return others;
  }
}

const NOTHING: FrameSum = { count: 0, value: Number.NaN, own: Number.NaN, level: Number.NaN, overlap: Number.NaN };

function addTo(sum: FrameSum, { values, errors }: MeanMember, at: number, sign: number): void {
  sum.count += sign;
  sum.value += sign * (values[at] as number);
  for (const key of ["own", "level", "overlap"] as const) sum[key] += sign * (errors?.[key][at] ?? Number.NaN);
}

/** Number of points before a blank injection whose median is its zero. */
const LEAD_POINTS = 8;

/**
 * Double referencing: subtracts the response to a blank injection (buffer instead of sample) from that to an injection that
 * began at `injectionUs`. Nothing changes before it; after the end of the blank the result is NaN. Between the blank's points
 * it is interpolated linearly.
 */
export function subtractBlank(trace: Trace, blank: TimeWindow, injectionUs: number): Float64Array {
  const { points, lead } = blankOf(trace, blank);
  const { timesUs, values } = points;
  const zero = lead.values.length > 0 ? medianOf(lead.values) : (values[0] ?? Number.NaN);
  return trace.values.map((value, at) => {
    const sinceUs = (trace.timesUs[at] as number) - injectionUs;
    if (sinceUs < 0) return value;
    if (values.length === 0 || sinceUs >= blank.toUs - blank.fromUs) return Number.NaN;
    const { before, after, share } = between(timesUs, blank.fromUs + sinceUs);
    const [one, other] = [values[before] as number, values[after] as number];
    return value - (one + (other - one) * share - zero);
  });
}

/** Returns the valid points of a blank injection, and those before it whose median is its zero. */
export function blankOf(trace: Trace, blank: TimeWindow): { readonly points: Selection; readonly lead: Selection } {
  const { timesUs, values, index, excluded } = soundPoints(trace, {
    fromUs: Number.NEGATIVE_INFINITY,
    toUs: blank.fromUs,
  });
  const last = { timesUs: timesUs.slice(-LEAD_POINTS), values: values.slice(-LEAD_POINTS) };
  return { points: soundPoints(trace, blank), lead: { ...last, index: index.slice(-LEAD_POINTS), excluded } };
}

/** The two halves of a bow-tie grating, by frame. */
export interface PairSeparation {
  /** Shift of the resonance, px in the coordinates of the ROIs. */
  readonly signal: Float64Array;
  /** Movement of the chip along the rows of the picture, px, positive to the right. */
  readonly movement: Float64Array;
  /** Flags of either half. */
  readonly flags: Uint8Array;
}

/**
 * Separates a shift of the resonance from a movement of the chip. In the picture, the halves of a bow-tie move in opposite
 * directions with the resonance and together with the chip. ROIs are mirrored, so in their coordinates, which the arguments
 * use, it is the other way round: half the sum is the signal, half the difference the movement. The noise of the signal is that
 * of one half divided by √2.
 */
export function separatePair(flipped: Omit<Trace, "timesUs">, plain: Omit<Trace, "timesUs">): PairSeparation {
  return {
    signal: plain.values.map((value, at) => (value + (flipped.values[at] as number)) / 2),
    movement: plain.values.map((value, at) => (value - (flipped.values[at] as number)) / 2),
    flags: plain.flags.map((bits, at) => bits | (flipped.flags[at] as number)),
  };
}

/** Converts shifts in px to changes of refractive index (RIU). */
export function refractiveIndexChange(shiftPx: Float64Array, sensitivityPxPerRiu: number): Float64Array {
  return shiftPx.map((value) => value / sensitivityPxPerRiu);
}

/**
 * Moves `values` from the order of the frames `from` to that of the frames `to`; `missing` for frames that are not in `from`.
 */
export function alignFrames(from: Float64Array, values: ArrayLike<number>, to: Float64Array, missing: number) {
  const place = new Map(Array.from(from, (entry, at) => [entry, at]));
  return Float64Array.from(to, (entry) => values[place.get(entry) ?? -1] ?? missing);
}

/**
 * Returns the points around a time, and the share of the second in the linear interpolation; beyond the ends, the nearest
 * point.
 */
export function between(timesUs: Float64Array, timeUs: number): { before: number; after: number; share: number } {
  const next = timesUs.findIndex((one) => one >= timeUs);
  if (next <= 0) {
    const end = next === 0 ? 0 : timesUs.length - 1;
    return { before: end, after: end, share: 0 };
  }
  const [t0, t1] = [timesUs[next - 1] as number, timesUs[next] as number];
  return { before: next - 1, after: next, share: (timeUs - t0) / (t1 - t0) };
}
