// Smooths a noisy curve so that single outliers do not bend it: locally weighted straight lines with robust weights (Cleveland,
// J. Am. Stat. Assoc. 74, 829, 1979).

import { medianOf } from "../measurement/statistics.ts";
import type { CurveErrors } from "./curve-errors.ts";
import { isSound, type Trace } from "./sensorgram.ts";

/** Number of robust iterations after the plain one. */
const ROUNDS = 2;
/** Residuals beyond this many median absolute residuals have no weight. */
const OUTLYING = 6;

/** A smooth curve and its standard errors, by frame. */
export interface Smoothed {
  readonly values: Float64Array;
  readonly errors: Float64Array | undefined;
}

/**
 * Returns the smooth curve at every frame, each value from the `span` nearest valid points (at least 3, both sides together);
 * NaN everywhere if fewer than two points are valid. Flagged frames get a value too, but influence none. With the `errors` of
 * the points, also returns standard errors; the robust weights are treated as exact.
 */
export function smooth(trace: Trace, span: number, errors?: CurveErrors): Smoothed {
  const values = new Float64Array(trace.values.length).fill(Number.NaN);
  const own = errors && new Float64Array(trace.values.length).fill(Number.NaN);
  for (const value of smoothing(trace, span)) {
    const { at, sound, first, weights } = value;
    values[at] = weights.reduce(
      (sum, weight, i) => sum + weight * (trace.values[sound[first + i] as number] as number),
      0,
    );
    if (errors !== undefined && own !== undefined) own[at] = errorOf(value, errors);
  }
  return { values, errors: own };
}

function errorOf({ sound, first, weights }: SmoothValue, errors: CurveErrors): number {
  // The weights add up to one, so what all frames share enters the sum once.
  let [variance, shared] = [0, Number.POSITIVE_INFINITY];
  weights.forEach((weight, i) => {
    const frame = sound[first + i] as number;
    variance += weight * weight * (errors.own[frame] as number) - 2 * weight * (errors.overlap[frame] as number);
    shared = Math.min(shared, errors.level[frame] as number);
  });
  return Math.sqrt(Math.max(0, variance + shared));
}

/** How a smooth value is computed: weights of the valid points from `first` on. */
interface SmoothValue {
  readonly at: number;
  /** Indices of the valid points in the trace. */
  readonly sound: readonly number[];
  readonly first: number;
  readonly weights: Float64Array;
}

function* smoothing(trace: Trace, span: number): Generator<SmoothValue> {
  const sound = Array.from(trace.values.keys()).filter((at) => isSound(trace, at));
  if (sound.length < 2) return;
  const times = Float64Array.from(sound, (at) => (trace.timesUs[at] as number) / 1e6);
  const values = Float64Array.from(sound, (at) => trace.values[at] as number);
  const points = { times, values };
  const width = Math.min(sound.length, Math.max(3, Math.round(span)));
  const firstFor = (near: number) => Math.max(0, Math.min(near - (width >> 1), times.length - width));
  let robust = new Float64Array(sound.length).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const rest = values.map((value, i) => {
      const first = firstFor(i);
      const weights = localLine(points, robust, times[i] as number, first, width);
      return Math.abs(value - weights.reduce((sum, weight, k) => sum + weight * (values[first + k] as number), 0));
    });
    const scale = Math.max(OUTLYING * medianOf(rest), Number.MIN_VALUE);
    robust = rest.map((one) => Math.max(0, 1 - (one / scale) ** 2) ** 2);
  }
  let nearest = 0;
  for (let at = 0; at < trace.values.length; at++) {
    while (nearest + 1 < sound.length && (sound[nearest + 1] as number) <= at) nearest++;
    const first = firstFor(nearest);
    yield { at, sound, first, weights: localLine(points, robust, (trace.timesUs[at] as number) / 1e6, first, width) };
  }
}

/** The valid points: s, and px. */
interface Points {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** Weights if all points are outliers: the one or two in the middle of the order. */
function medianWeights(values: Float64Array): Float64Array {
  const order = [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
  const weights = new Float64Array(values.length);
  for (const rank of [(values.length - 1) >> 1, values.length >> 1]) {
    const at = order[rank] as number;
    weights[at] = (weights[at] as number) + 0.5;
  }
  return weights;
}

/** Returns the value at time `t` of the line through `width` points from `first` on, as weights of their values. */
function localLine(
  { times, values }: Points,
  robust: Float64Array,
  t: number,
  first: number,
  width: number,
): Float64Array {
  const last = first + width - 1;
  // A little beyond the outermost point, so that it keeps some weight.
  const reach = 1.001 * Math.max(t - (times[first] as number), (times[last] as number) - t, Number.MIN_VALUE);
  const weights = new Float64Array(width);
  let [w, wx, wxx] = [0, 0, 0];
  for (let i = 0; i < width; i++) {
    const x = (times[first + i] as number) - t;
    const weight = (1 - Math.min(1, Math.abs(x) / reach) ** 3) ** 3 * (robust[first + i] as number);
    weights[i] = weight;
    w += weight;
    wx += weight * x;
    wxx += weight * x * x;
  }
  if (!(w > 0)) return medianWeights(values.subarray(first, first + width));
  const spread = w * wxx - wx * wx;
  // All weight is at one time, so the slope is undetermined.
  if (!(spread > 1e-12 * w * wxx)) return weights.map((weight) => weight / w);
  return weights.map((weight, i) => (weight * (wxx - wx * ((times[first + i] as number) - t))) / spread);
}
