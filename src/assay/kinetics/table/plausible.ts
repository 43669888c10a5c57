// Finds numbers of a table that show a wrong unit, such as milliseconds read as seconds or nM as M.
import type { RawCycle } from "./raw-curves.ts";

/** Plausible times from point to point, s: no instrument is faster, and nobody follows binding more slowly. */
const [SHORTEST_S, LONGEST_S] = [2e-3, 600];
/** No analyte is dissolved at more than this, and none is found at less, M. */
const [LEAST_M, MOST_M] = [1e-15, 1];

/** Returns a sentence for each unit that is probably wrong. Times in s, concentrations in M. */
export function implausible(cycles: readonly RawCycle[]): string[] {
  const found: string[] = [];
  const intervals = cycles
    .flatMap(({ points }) => points.slice(1).map(({ timeS }, at) => timeS - (points[at]?.timeS ?? timeS)))
    .sort((a, b) => a - b);
  const intervalS = intervals[Math.floor(intervals.length / 2)];
  if (intervalS !== undefined && (intervalS < SHORTEST_S || intervalS > LONGEST_S)) {
    found.push(`the points are ${short(intervalS)} s apart: check the unit of time (--time-unit)`);
  }
  let most = 0;
  for (const { points } of cycles)
    for (const { concentration = 0 } of points) if (concentration > most) most = concentration;
  if (most > 0 && (most < LEAST_M || most > MOST_M)) {
    found.push(`the highest concentration is ${short(most)} M: check its unit (--concentration-unit)`);
  }
  return found;
}

const short = (value: number) => Number(value.toPrecision(3));
