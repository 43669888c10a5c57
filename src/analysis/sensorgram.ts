// The arithmetic of sensorgrams: how positions over time become shifts that mean something. Pure functions on arrays of
// equal length in order of capture, one element per frame, NaN where there is no number.
//
//   position ─ baseline ─▶ shift ─ reference ROIs ─▶ referenced ─ blank injection ─▶ double referenced ─▶ RIU
//
// A flagged point is never taken out or changed. It only has no say in what is computed from several points: baselines,
// the mean of the references, noise, drift, smooth curves.
import { medianOf } from "./statistics.ts";

/** Times of frames, µs since 1970; `toUs` exclusive. */
export interface TimeWindow {
  readonly fromUs: number;
  readonly toUs: number;
}

/** One curve: any quantity over the frames. */
export interface Trace {
  readonly timesUs: Float64Array;
  readonly values: Float64Array;
  /** FLAGS bits. */
  readonly flags: Uint8Array;
}

/** Whether a point has a say: there is a number, and nothing is doubtful about it. */
export function isSound({ values, flags }: Pick<Trace, "values" | "flags">, at: number): boolean {
  return flags[at] === 0 && Number.isFinite(values[at]);
}

/** The points of a window that have a say, and how many have none. */
export interface Selection {
  readonly timesUs: Float64Array;
  readonly values: Float64Array;
  /** Index of each in the trace, ascending. */
  readonly index: Int32Array;
  /** Points in the window left out because they are flagged or no number. */
  readonly excluded: number;
}

/** The sound points of a trace within a window. */
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

/** The first `seconds` of a trace; an empty window for an empty trace. */
export function openingWindow(timesUs: Float64Array, seconds: number): TimeWindow {
  const fromUs = timesUs[0] ?? 0;
  return { fromUs, toUs: timesUs.length === 0 ? fromUs : fromUs + Math.max(1, seconds * 1e6) };
}

/** `values` minus a level. */
export function shiftFrom(values: Float64Array, level: number): Float64Array {
  return values.map((value) => value - level);
}

/** The mean of several curves, frame by frame: of references, or of a group. */
export class FrameMean {
  readonly #sum = new Map<number, number>();
  readonly #count = new Map<number, number>();

  /** Takes in a curve's sound points; `entryId` names the frame of each. */
  add(entryId: Float64Array, curve: Omit<Trace, "timesUs">): void {
    entryId.forEach((entry, at) => {
      if (!isSound(curve, at)) return;
      this.#sum.set(entry, (this.#sum.get(entry) ?? 0) + (curve.values[at] as number));
      this.#count.set(entry, (this.#count.get(entry) ?? 0) + 1);
    });
  }

  /** The mean in each frame; NaN where no curve has a say. */
  of(entryId: Float64Array): Float64Array {
    return entryId.map((entry) => (this.#sum.get(entry) ?? Number.NaN) / (this.#count.get(entry) ?? 0));
  }

  /**
   * A curve minus the mean of the same frame; NaN where none has a say in it. One that is part of the mean `itself` is
   * compared with the others only: minus a mean that holds it, it would look quieter than it is.
   */
  subtractFrom(entryId: Float64Array, curve: Omit<Trace, "timesUs">, itself: boolean): Float64Array {
    return curve.values.map((value, at) => {
      const entry = entryId[at] as number;
      const own = itself && isSound(curve, at);
      const count = (this.#count.get(entry) ?? 0) - (own ? 1 : 0);
      const sum = (this.#sum.get(entry) ?? 0) - (own ? value : 0);
      return count > 0 ? value - sum / count : Number.NaN;
    });
  }
}

/** Points before a blank injection whose median is its zero. */
const LEAD_POINTS = 8;

/**
 * Double referencing: the response to a blank injection (buffer instead of sample) is taken from that to an injection
 * which began at `injectionUs`. Before it nothing changes; after the time for which the blank is known it is NaN. Between
 * the blank's points it is interpolated along a line.
 */
export function subtractBlank(trace: Trace, blank: TimeWindow, injectionUs: number): Float64Array {
  const { timesUs, values, index } = soundPoints(trace, blank);
  const before = soundPoints(trace, { fromUs: Number.NEGATIVE_INFINITY, toUs: blank.fromUs }).values.slice(
    -LEAD_POINTS,
  );
  const zero = before.length > 0 ? medianOf(before) : (values[0] ?? Number.NaN);
  return trace.values.map((value, at) => {
    const sinceUs = (trace.timesUs[at] as number) - injectionUs;
    if (sinceUs < 0) return value;
    if (index.length === 0 || sinceUs >= blank.toUs - blank.fromUs) return Number.NaN;
    return value - (interpolate(timesUs, values, blank.fromUs + sinceUs) - zero);
  });
}

/** The two halves of a bow-tie, frame by frame. */
export interface PairSeparation {
  /** Movement of the resonance, px in the coordinates of the ROIs. */
  readonly signal: Float64Array;
  /** Movement of the chip along the rows of the picture, px, positive to the right. */
  readonly movement: Float64Array;
  /** Flags of either half. */
  readonly flags: Uint8Array;
}

/**
 * Tells a shift of the resonance from a movement of the chip. In the picture the halves of a bow-tie move in opposite
 * directions under the first and together under the second. ROIs are mirrored, so that in their coordinates, which the
 * arguments are in, it is the other way round: half the sum is the signal, half the difference the movement. The noise
 * of the signal is that of one half divided by √2.
 */
export function separatePair(flipped: Omit<Trace, "timesUs">, plain: Omit<Trace, "timesUs">): PairSeparation {
  return {
    signal: plain.values.map((value, at) => (value + (flipped.values[at] as number)) / 2),
    movement: plain.values.map((value, at) => (value - (flipped.values[at] as number)) / 2),
    flags: plain.flags.map((bits, at) => bits | (flipped.flags[at] as number)),
  };
}

/** Shifts in px as changes of refractive index (RIU). */
export function refractiveIndexChange(shiftPx: Float64Array, sensitivityPxPerRiu: number): Float64Array {
  return shiftPx.map((value) => value / sensitivityPxPerRiu);
}

/** `values` of the frames `from`, in the places of the frames `to`; `missing` where a frame is not among them. */
export function alignFrames(from: Float64Array, values: ArrayLike<number>, to: Float64Array, missing: number) {
  const place = new Map(Array.from(from, (entry, at) => [entry, at]));
  return Float64Array.from(to, (entry) => values[place.get(entry) ?? -1] ?? missing);
}

/** The value at `timeUs` on the line between the points around it; the nearest point's beyond the ends. */
function interpolate(timesUs: Float64Array, values: Float64Array, timeUs: number): number {
  const next = timesUs.findIndex((one) => one >= timeUs);
  if (next <= 0) return values[next === 0 ? 0 : values.length - 1] as number;
  const [t0, t1] = [timesUs[next - 1] as number, timesUs[next] as number];
  const [v0, v1] = [values[next - 1] as number, values[next] as number];
  return v0 + ((v1 - v0) * (timeUs - t0)) / (t1 - t0);
}
