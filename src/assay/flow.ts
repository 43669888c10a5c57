// Computes the direction and speed of the liquid: fits a plane to the times at which a front arrives at places on the chip.
import { dot, inverse, normalEquations, product, solve } from "../measurement/linear.ts";
import { medianOf } from "../measurement/statistics.ts";
import { robustDeviation } from "./frame-noise.ts";

export interface Arrival {
  /** Place on the chip, µm. */
  readonly x: number;
  readonly y: number;
  /** Arrival time, s, and its standard error. */
  readonly seconds: number;
  readonly error: number;
}

export interface Flow {
  /** Speed along the direction of the flow, µm/s. */
  readonly speed: number;
  readonly speedError: number;
  /** Direction of the flow, degrees from the x axis towards the y axis. */
  readonly directionDegrees: number;
  readonly directionError: number;
  /** Number of arrivals used for the plane, and of those left out as outliers. */
  readonly used: number;
  readonly leftOut: number;
  /** Scatter of the arrivals about the plane, s. */
  readonly scatter: number;
}

const FEWEST = 4;
const ROUNDS = 20;
/** A plane whose slope is below this many of its errors has no direction: noise exceeds it once in 500 times. */
const CLEAR = 3.5;
/** Residuals beyond this many standard deviations have no weight (Tukey's bisquare). */
const BISQUARE = 4.685;
const DEGREES = 180 / Math.PI;

const median = (values: readonly number[]): number => medianOf(Float64Array.from(values));

/**
 * Returns the flow of a front; undefined with fewer than four arrivals, if all places are on a line, and if no direction is
 * significant.
 */
export function flowOf(arrivals: readonly Arrival[]): Flow | undefined {
  const known = arrivals.filter(({ seconds, error }) => Number.isFinite(seconds) && error > 0);
  if (known.length < FEWEST) return undefined;
  const [x0, y0] = [median(known.map(({ x }) => x)), median(known.map(({ y }) => y))];
  const size = Math.max(...known.map(({ x, y }) => Math.hypot(x - x0, y - y0)));
  const rows = known.map(({ x, y }) => [1, (x - x0) / size, (y - y0) / size]);
  const seconds = known.map((one) => one.seconds);
  let weights = known.map(() => 1);
  let plane = [0, 0, 0];
  let residuals: number[] = [];
  let sigma = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const found = solve(normalEquations(rows, seconds, weights));
    if (found === undefined) return undefined;
    plane = found;
    residuals = seconds.map((one, i) => one - dot(rows[i] as number[], found));
    sigma = robustDeviation(Float64Array.from(residuals));
    if (!(sigma > 0)) break;
    weights = residuals.map((one) => Math.max(0, 1 - (one / (BISQUARE * sigma)) ** 2) ** 2);
  }
  const used = weights.filter((weight) => weight > 0).length;
  const freedom = used - 3;
  if (freedom < 1) return undefined;
  const variance = residuals.reduce((sum, one, i) => sum + (weights[i] as number) * one * one, 0) / freedom;
  const covariance = inverse(normalEquations(rows, seconds, weights)).map((line) => line.map((one) => one * variance));
  const [, gx = 0, gy = 0] = plane;
  const slope = Math.hypot(gx, gy);
  const along = [0, gx / slope, gy / slope];
  const across = [0, -gy / slope, gx / slope];
  const slopeError = Math.sqrt(product(covariance, along, along));
  if (!(slope > CLEAR * slopeError)) return undefined;
  const speed = size / slope;
  return {
    speed,
    speedError: (speed * slopeError) / slope,
    directionDegrees: Math.atan2(gy, gx) * DEGREES,
    directionError: (Math.sqrt(product(covariance, across, across)) / slope) * DEGREES,
    used,
    leftOut: known.length - used,
    scatter: Math.sqrt(variance),
  };
}
