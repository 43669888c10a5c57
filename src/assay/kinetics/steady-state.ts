// Computes steady-state affinity: the responses at the end of each association against the concentration.
import type { CurveCycle, CurveSet } from "./curve-set.ts";

/** Last part of an association that counts as its plateau. */
const PLATEAU = 0.2;
/** A response that changes by more than this share, and by so many standard errors, alone or with the others, is no plateau. */
const RISE = 0.05;
const SURELY = 4;
/** With fewer points, the noise of a plateau cannot be told; the correlation of neighbouring ones is at most the second. */
const [FEWEST_POINTS, MOST_CORRELATION] = [5, 0.9];

export interface Plateau {
  readonly cycle: string;
  readonly concentration: number;
  readonly response: number;
  /** Standard error of the response, if known. */
  readonly error?: number;
  readonly points: number;
  /** Whether the response still changes, by more than noise does. */
  readonly isRising: boolean;
}

/**
 * Returns the plateau of each injection above 0 M, relative to the baseline before the cycle's first one (or to 0 if there is
 * none).
 */
export function plateausOf({ cycles }: CurveSet): Plateau[] {
  const found = cycles.flatMap((cycle) => {
    const firstS = cycle.injections[0]?.startS ?? Number.NEGATIVE_INFINITY;
    const baseline = pointsWithin(cycle, Number.NEGATIVE_INFINITY, firstS);
    const zero = baseline.length < 3 ? 0 : meanOf(baseline);
    return cycle.injections.flatMap(({ startS, endS, concentration }) => {
      const partS = PLATEAU * (endS - startS);
      const plateau = pointsWithin(cycle, endS - partS, endS);
      if (!(concentration > 0) || plateau.length === 0) return [];
      const before = pointsWithin(cycle, endS - 2 * partS, endS - partS);
      return [{ cycle: cycle.name, concentration, response: meanOf(plateau) - zero, plateau, before }];
    });
  });
  const noise = noiseOf(found.map(({ before, plateau }) => Float64Array.of(...before, ...plateau)));
  const measured = found.map(({ before, plateau, ...rest }) => ({
    ...rest,
    points: plateau.length,
    change: before.length === 0 ? 0 : meanOf(plateau) - meanOf(before),
    error: noise * Math.sqrt(1 / before.length + 1 / plateau.length),
  }));
  const isSetRising = isChange({
    change: sumOf(measured.map(({ change }) => change)),
    response: sumOf(measured.map(({ response }) => Math.abs(response))),
    error: Math.hypot(...measured.map(({ error }) => error)),
  });
  return measured.map(({ change, error, ...rest }) => {
    const { response } = rest;
    return { ...rest, isRising: isChange({ change, response, error: isSetRising ? 0 : error }) };
  });
}

function isChange({ change, response, error }: { change: number; response: number; error: number }): boolean {
  return Math.abs(change) > Math.max(RISE * Math.abs(response), SURELY * error);
}

/**
 * Returns the standard deviation of independent points whose means would scatter as those of the windows do; 0 if the windows
 * are too short to tell. The line that is subtracted takes part of slow noise with it, which is corrected for (Kendall 1954).
 */
function noiseOf(windows: readonly Float64Array[]): number {
  let [squares, products, before, points] = [0, 0, 0, 0];
  for (const values of windows) {
    const residuals = aboutLine(values);
    residuals.forEach((value, at) => {
      squares += value * value;
      if (at === 0) return;
      products += value * (residuals[at - 1] as number);
      before += value * value;
    });
    points += values.length;
  }
  const length = points / windows.length;
  if (!(length > FEWEST_POINTS) || before === 0) return 0;
  const rho = Math.min(Math.max((products / before + 2 / length) / (1 - 4 / length), 0), MOST_CORRELATION);
  const area = (1 + rho) / (1 - rho);
  return Math.sqrt((squares * area) / (windows.length * Math.max(length - 2 * area, length / 3)));
}

function aboutLine(values: Float64Array): Float64Array {
  const [middle, mean] = [(values.length - 1) / 2, meanOf(values)];
  let [product, square] = [0, 0];
  values.forEach((value, at) => {
    product += (at - middle) * value;
    square += (at - middle) ** 2;
  });
  const slope = square === 0 ? 0 : product / square;
  return values.map((value, at) => value - mean - slope * (at - middle));
}

/** Returns the plateaus in the kernel's format: with concentrations instead of times. */
export function dosesOf(plateaus: readonly Plateau[]): CurveCycle {
  const sorted = [...plateaus].sort((a, b) => a.concentration - b.concentration);
  return {
    name: "steady state",
    timesS: Float64Array.from(sorted, ({ concentration }) => concentration),
    responses: Float64Array.from(sorted, ({ response }) => response),
    errors: sorted.every(({ error = 0 }) => error > 0)
      ? Float64Array.from(sorted, ({ error = 0 }) => error)
      : undefined,
    injections: sorted.map(({ concentration }) => ({ startS: 0, endS: 0, concentration })),
  };
}

function pointsWithin({ timesS, responses }: CurveCycle, fromS: number, toS: number): Float64Array {
  return responses.filter((_value, at) => (timesS[at] as number) >= fromS && (timesS[at] as number) < toS);
}

function sumOf(values: readonly number[] | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function meanOf(values: Float64Array): number {
  return sumOf(values) / values.length;
}
