// Finds when a change of liquid arrives, by fitting a step that is rounded by dispersion:
//
//   y(t) = a + b·t + A·Φ((t − t₀)/w)
//
// Φ is the normal distribution function, the shape of a front that diffuses as it flows (Taylor, Proc. R. Soc. A 219, 186, 1953).
// For given t₀ and w the model is linear, so only two parameters are searched (variable projection).
import { dot, inverse, normalEquations, solve } from "../measurement/linear.ts";
import { normalBelow, normalDensity } from "../measurement/normal-distribution.ts";
import { medianOf } from "../measurement/statistics.ts";

/** `no_front`: no step is larger than the noise. `between_frames`: the front is sharper than the interval between frames. */
type FrontFlag = "no_front" | "between_frames";

export interface Front {
  /** Time at which half of the step is done, s; NaN without a front. */
  readonly seconds: number;
  readonly error: number;
  /** Standard deviation of the rounded step, s. */
  readonly width: number;
  readonly widthError: number;
  /** Height of the step, in the unit of the values. */
  readonly height: number;
  readonly heightError: number;
  readonly flags: readonly FrontFlag[];
}

/** Steps lower than this many of their errors count as noise. The limit is high because the best of many places is chosen. */
const CLEAR = 5;
const FEWEST = 10;
/** Number of parameters: level, drift, height, place and width. */
const PARAMETERS = 5;
/** Number of places in the window that the first search tries. */
const PLACES = 60;
const WIDTHS = [0.02, 0.06, 0.15, 0.3];
const ROUNDS = 60;
/** Widths below this part of the interval between frames cannot be distinguished from zero. */
const SHARP = 0.4;

const NO_FRONT: Front = {
  seconds: Number.NaN,
  error: Number.NaN,
  width: Number.NaN,
  widthError: Number.NaN,
  height: Number.NaN,
  heightError: Number.NaN,
  flags: ["no_front"],
};

interface Fit {
  readonly cost: number;
  readonly linear: readonly number[];
}

/** Finds the front in a curve; `seconds` ascending, `given` without NaN. */
export function frontOf(seconds: Float64Array, given: Float64Array): Front {
  const count = seconds.length;
  if (count < FEWEST) return NO_FRONT;
  const [from, to] = [seconds[0] as number, seconds[count - 1] as number];
  const length = to - from;
  const middle = medianOf(given);
  // Centred on zero, so that sums of squares keep their precision.
  const values = given.map((value) => value - middle);
  const interval = length / (count - 1);
  const least = SHARP * interval;
  const problem = new LinearPart(seconds, values);
  const tried = (at: number, width: number) => problem.fit(at, Math.max(least, width));
  let best = { at: Number.NaN, width: Number.NaN, ...tried(Number.NaN, 1) };
  for (let place = 1; place < PLACES; place += 1) {
    const at = from + (place * length) / PLACES;
    for (const part of WIDTHS) best = better(best, at, part * length, tried);
  }
  if (Number.isNaN(best.at)) return NO_FRONT;
  // Narrows the grid around the best place until it is found.
  let [stepAt, stepWidth] = [length / PLACES, 0.5];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = best.cost;
    for (const sign of [-1, 1]) {
      best = better(best, best.at + sign * stepAt, best.width, tried);
      best = better(best, best.at, best.width * Math.exp(sign * stepWidth), tried);
    }
    if (best.cost === before) [stepAt, stepWidth] = [stepAt / 2, stepWidth / 2];
  }
  const width = Math.max(least, best.width);
  const { errors, covered } = errorsOf(seconds, values, best.at, width, best.linear);
  const height = best.linear[2] as number;
  const [heightError = Number.NaN, atError = Number.NaN, widthError = Number.NaN] = errors;
  if (!(Math.abs(height) > CLEAR * heightError) || !covered) return NO_FRONT;
  if (width > least) return { seconds: best.at, error: atError, width, widthError, height, heightError, flags: [] };
  // It may be anywhere between two frames.
  const error = Math.hypot(atError, interval / Math.sqrt(12));
  return {
    seconds: best.at,
    error,
    width: Number.NaN,
    widthError: Number.NaN,
    height,
    heightError,
    flags: ["between_frames"],
  };
}

type Candidate = Fit & { readonly at: number; readonly width: number };

function better(best: Candidate, at: number, width: number, tried: (at: number, width: number) => Fit): Candidate {
  const one = tried(at, width);
  return one.cost < best.cost ? { at, width, ...one } : best;
}

/** Fits level, drift and height for a given place and width. */
class LinearPart {
  readonly #seconds: Float64Array;
  readonly #values: Float64Array;
  /** Times from −½ to ½. */
  readonly #times: Float64Array;
  /** Sums that do not depend on place and width: of times, their squares, values, their products with times, their squares. */
  readonly #sums: {
    readonly t: number;
    readonly tt: number;
    readonly y: number;
    readonly ty: number;
    readonly yy: number;
  };

  constructor(seconds: Float64Array, values: Float64Array) {
    this.#seconds = seconds;
    this.#values = values;
    const [from, to] = [seconds[0] as number, seconds.at(-1) as number];
    this.#times = seconds.map((time) => (time - (from + to) / 2) / (to - from));
    const sums = { t: 0, tt: 0, y: 0, ty: 0, yy: 0 };
    this.#times.forEach((t, i) => {
      const y = values[i] as number;
      sums.t += t;
      sums.tt += t * t;
      sums.y += y;
      sums.ty += t * y;
      sums.yy += y * y;
    });
    this.#sums = sums;
  }

  /** An impossible place or width has an infinite cost. */
  fit(at: number, width: number): Fit {
    const none = { cost: Number.POSITIVE_INFINITY, linear: [] };
    const count = this.#seconds.length;
    const [from, to] = [this.#seconds[0] as number, this.#seconds[count - 1] as number];
    if (!(at > from && at < to && width < to - from)) return none;
    let [p, pt, pp, py] = [0, 0, 0, 0];
    for (let i = 0; i < count; i += 1) {
      const step = normalBelow(((this.#seconds[i] as number) - at) / width);
      p += step;
      pt += step * (this.#times[i] as number);
      pp += step * step;
      py += step * (this.#values[i] as number);
    }
    const { t, tt, y, ty, yy } = this.#sums;
    const linear = solve([
      Float64Array.of(count, t, p, y),
      Float64Array.of(t, tt, pt, ty),
      Float64Array.of(p, pt, pp, py),
    ]);
    return linear === undefined ? none : { cost: yy - dot(linear, [y, ty, py]), linear };
  }
}

/** Computes the errors of height, place and width from the scatter of the residuals; increased if neighbours are correlated. */
function errorsOf(
  seconds: Float64Array,
  values: Float64Array,
  at: number,
  width: number,
  [a = 0, b = 0, height = 0]: readonly number[],
): { errors: number[]; covered: boolean } {
  const [from, to] = [seconds[0] as number, seconds.at(-1) as number];
  const middle = (from + to) / 2;
  const residuals = new Float64Array(seconds.length);
  const rows = Array.from(seconds, (time, i) => {
    const z = (time - at) / width;
    const below = normalBelow(z);
    // In units of width and height, so that all columns have similar magnitude.
    const slope = normalDensity(z);
    residuals[i] = (values[i] as number) - a - (b * (time - middle)) / (to - from) - height * below;
    return [1, (time - middle) / (to - from), below, -slope, -slope * z];
  });
  const freedom = Math.max(1, seconds.length - PARAMETERS);
  const variance = residuals.reduce((sum, one) => sum + one * one, 0) / freedom;
  const scale = variance * alikeness(residuals);
  const covariance = inverse(normalEquations(rows, values));
  const error = (parameter: number) => Math.sqrt(scale * (covariance[parameter]?.[parameter] ?? Number.NaN));
  const perHeight = width / Math.abs(height);
  const errors = [error(2), error(3) * perHeight, error(4) * perHeight];
  // There must be some frames on either side of the step.
  const covered = at - from > 2 * ((to - from) / seconds.length) && to - at > 2 * ((to - from) / seconds.length);
  return { errors, covered };
}

/** Returns the factor on the variance due to correlated residuals: (1 + ρ)/(1 − ρ) for AR(1), at least 1. */
function alikeness(residuals: Float64Array): number {
  let [products, squares] = [0, 0];
  residuals.forEach((one, i) => {
    squares += one * one;
    if (i > 0) products += one * (residuals[i - 1] as number);
  });
  // Residuals of a fit are less correlated than the errors were: each parameter absorbs a part.
  const seen = squares > 0 ? products / squares : 0;
  const count = residuals.length;
  const rho = Math.min(0.9, Math.max(0, (count * seen + PARAMETERS) / (count - PARAMETERS)));
  return (1 + rho) / (1 - rho);
}
