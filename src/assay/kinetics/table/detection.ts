// Finds the start and the end of an association that neither options nor columns give: where a 1:1 model fits the curves best.
import type { CurveCycle } from "../curve-set.ts";
import { fitModel } from "../native-kinetics.ts";

export interface Found {
  readonly startS: number;
  readonly endS: number;
}

/** Minimum number of points before, in and after an association. */
const FEWEST = 3;
/** Number of places tried first: for the start in the first half of the curve, and for the end. */
const [STARTS, ENDS] = [8, 24];
const MOST_POINTS = 100;
const MOVES = [
  [-1, 0],
  [1, 0],
  [0, -1],
  [0, 1],
  [1, 1],
  [-1, -1],
] as const;

/** Finds the window common to all cycles of a set without known injections; undefined if there are too few points. */
export function findWindow(cycles: readonly CurveCycle[], concentrations: readonly number[]): Found | undefined {
  const { timesS } = cycles.reduce((longest, one) => (one.timesS.length > longest.timesS.length ? one : longest));
  const count = timesS.length;
  if (count < 4 * FEWEST) return undefined;
  const known = new Map<number, number>();
  const cost = (start: number, end: number): number => {
    if (start < 0 || end < start + FEWEST || end > count - FEWEST) return Number.POSITIVE_INFINITY;
    const key = start * count + end;
    const found = known.get(key) ?? costOf(cycles, concentrations, timesS[start] as number, timesS[end] as number);
    known.set(key, found);
    return found;
  };
  let best = { start: 0, end: 0, cost: Number.POSITIVE_INFINITY };
  const attempt = (start: number, end: number) => {
    const found = cost(start, end);
    if (found < best.cost) best = { start, end, cost: found };
  };
  for (let s = 0; s <= STARTS; s++) {
    for (let e = 1; e < ENDS; e++) attempt(Math.round((s * count) / (2 * STARTS)), Math.round((e * count) / ENDS));
  }
  for (let step = Math.ceil(count / ENDS); step >= 1; step = Math.floor(step / 2)) {
    for (let before = Number.POSITIVE_INFINITY; best.cost < before; ) {
      before = best.cost;
      const { start, end } = best;
      for (const [s, e] of MOVES) attempt(start + s * step, end + e * step);
    }
  }
  if (!Number.isFinite(best.cost)) return undefined;
  const frameS = ((timesS[count - 1] as number) - (timesS[0] as number)) / (count - 1);
  return refined(cycles, concentrations, timesS[best.start] as number, timesS[best.end] as number, frameS);
}

/**
 * Refines the window to times between frames, with all points. If a curve begins with its association, its first time is kept.
 */
function refined(
  cycles: readonly CurveCycle[],
  concentrations: readonly number[],
  startS: number,
  endS: number,
  frameS: number,
): Found {
  const cost = (from: number, to: number) => costOf(cycles, concentrations, from, to, Number.POSITIVE_INFINITY);
  const isFirst = cycles.every(({ timesS }) => (timesS[0] as number) >= startS);
  let best = { startS, endS, cost: cost(startS, endS) };
  for (let step = frameS; step > frameS / 8; step /= 2) {
    for (let before = Number.POSITIVE_INFINITY; best.cost < before; ) {
      before = best.cost;
      const from = best;
      for (const [s, e] of MOVES) {
        if (s !== 0 && isFirst) continue;
        const tried = { startS: from.startS + s * step, endS: from.endS + e * step };
        const found = tried.endS > tried.startS ? cost(tried.startS, tried.endS) : Number.POSITIVE_INFINITY;
        if (found < best.cost) best = { ...tried, cost: found };
      }
    }
  }
  return best;
}

function costOf(
  cycles: readonly CurveCycle[],
  concentrations: readonly number[],
  startS: number,
  endS: number,
  mostPoints = MOST_POINTS,
): number {
  const tried = cycles.map((cycle, at): CurveCycle => {
    const step = Math.max(1, Math.floor(cycle.timesS.length / mostPoints));
    // Keep every point near the switches.
    const near = (timeS: number) => Math.min(Math.abs(timeS - startS), Math.abs(timeS - endS));
    const width = 0.05 * (endS - startS);
    const kept = Array.from(cycle.timesS, (timeS, place) => ({ timeS, place })).filter(
      ({ timeS, place }) => place % step === 0 || near(timeS) < width,
    );
    return {
      name: cycle.name,
      timesS: Float64Array.from(kept, ({ timeS }) => timeS),
      responses: Float64Array.from(kept, ({ place }) => cycle.responses[place] as number),
      injections: [{ startS, endS, concentration: concentrations[at] ?? 0 }],
    };
  });
  const fit = fitModel(tried, { kind: "1:1", bulk: false, drift: false, localRmax: false }, false);
  return fit.points > 0 ? fit.cost / fit.points : Number.POSITIVE_INFINITY;
}
