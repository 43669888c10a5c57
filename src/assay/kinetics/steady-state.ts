// Computes steady-state affinity: the responses at the end of each association against the concentration.
import type { CurveCycle, CurveSet } from "./curve-set.ts";

/** Last part of an association that counts as its plateau. */
const PLATEAU = 0.2;
/** A response that rises by more than this share is not a plateau. */
const RISE = 0.05;

export interface Plateau {
  readonly cycle: string;
  readonly concentration: number;
  readonly response: number;
  readonly points: number;
  /** Whether the response still changes. */
  readonly isRising: boolean;
}

/**
 * Returns the plateau of each injection above 0 M, relative to the baseline before the cycle's first one (or to 0 if there is
 * none).
 */
export function plateausOf({ cycles }: CurveSet): Plateau[] {
  return cycles.flatMap((cycle) => {
    const firstS = cycle.injections[0]?.startS ?? Number.NEGATIVE_INFINITY;
    const baseline = meanWithin(cycle, Number.NEGATIVE_INFINITY, firstS);
    const zero = baseline.count < 3 ? 0 : baseline.mean;
    return cycle.injections.flatMap(({ startS, endS, concentration }): Plateau[] => {
      const fromS = endS - PLATEAU * (endS - startS);
      const plateau = meanWithin(cycle, fromS, endS);
      if (!(concentration > 0) || plateau.count === 0) return [];
      const before = meanWithin(cycle, fromS - PLATEAU * (endS - startS), fromS);
      const response = plateau.mean - zero;
      const isRising = before.count > 0 && Math.abs(plateau.mean - before.mean) > RISE * Math.abs(response);
      return [{ cycle: cycle.name, concentration, response, points: plateau.count, isRising }];
    });
  });
}

/** Returns the plateaus in the kernel's format: with concentrations instead of times. */
export function dosesOf(plateaus: readonly Plateau[]): CurveCycle {
  const sorted = [...plateaus].sort((a, b) => a.concentration - b.concentration);
  return {
    name: "steady state",
    timesS: Float64Array.from(sorted, ({ concentration }) => concentration),
    responses: Float64Array.from(sorted, ({ response }) => response),
    injections: sorted.map(({ concentration }) => ({ startS: 0, endS: 0, concentration })),
  };
}

function meanWithin({ timesS, responses }: CurveCycle, fromS: number, toS: number) {
  let [sum, count] = [0, 0];
  timesS.forEach((timeS, at) => {
    if (timeS < fromS || timeS >= toS) return;
    sum += responses[at] as number;
    count += 1;
  });
  return { mean: count === 0 ? Number.NaN : sum / count, count };
}
