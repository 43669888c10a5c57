// A smooth curve through a noisy one that single wild points do not bend: locally weighted straight lines with robust
// weights (Cleveland, J. Am. Stat. Assoc. 74, 829, 1979).
import { isSound, type Trace } from "./sensorgram.ts";
import { medianOf } from "./statistics.ts";

/** Robust rounds after the plain one. */
const ROUNDS = 2;
/** Residuals beyond this many median absolute residuals have no weight. */
const OUTLYING = 6;

/**
 * The smooth curve at every frame, from the `span` sound points nearest in order (at least 3) on both sides together;
 * NaN everywhere where fewer than two points are sound. Flagged frames get a value too, and have no say in any.
 */
export function smooth(trace: Trace, span: number): Float64Array {
  const sound = Array.from(trace.values.keys()).filter((at) => isSound(trace, at));
  const result = new Float64Array(trace.values.length).fill(Number.NaN);
  if (sound.length < 2) return result;
  const times = Float64Array.from(sound, (at) => (trace.timesUs[at] as number) / 1e6);
  const values = Float64Array.from(sound, (at) => trace.values[at] as number);
  const width = Math.min(sound.length, Math.max(3, Math.round(span)));
  let robust = new Float64Array(sound.length).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const rest = values.map((value, i) =>
      Math.abs(value - localLine(times, values, robust, times[i] as number, i, width)),
    );
    const scale = Math.max(OUTLYING * medianOf(rest), Number.MIN_VALUE);
    robust = rest.map((one) => Math.max(0, 1 - (one / scale) ** 2) ** 2);
  }
  let nearest = 0;
  for (let at = 0; at < result.length; at++) {
    while (nearest + 1 < sound.length && (sound[nearest + 1] as number) <= at) nearest++;
    result[at] = localLine(times, values, robust, (trace.timesUs[at] as number) / 1e6, nearest, width);
  }
  return result;
}

/** The value at time `t` of the line through the `width` points around point `near`. */
function localLine(
  times: Float64Array,
  values: Float64Array,
  robust: Float64Array,
  t: number,
  near: number,
  width: number,
): number {
  const first = Math.max(0, Math.min(near - (width >> 1), times.length - width));
  const last = first + width - 1;
  // A little beyond the outermost point, so that it keeps some weight.
  const reach = 1.001 * Math.max(t - (times[first] as number), (times[last] as number) - t, Number.MIN_VALUE);
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (let i = first; i <= last; i++) {
    const x = (times[i] as number) - t;
    const weight = (1 - Math.min(1, Math.abs(x) / reach) ** 3) ** 3 * (robust[i] as number);
    const y = values[i] as number;
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  if (!(w > 0)) return medianOf(values.subarray(first, last + 1));
  const spread = w * wxx - wx * wx;
  // All weight at one moment: there is no slope to be had.
  if (!(spread > 1e-12 * w * wxx)) return wy / w;
  return (wxx * wy - wx * wxy) / spread;
}
