// Subtracts blanks: the mean of the cycles without analyte is subtracted from all others (with a reference channel: double
// referencing).
import { type CurveCycle, type CurveSet, highestOf } from "../curve-set.ts";

/** A blank whose point-to-point noise exceeds the quietest by this factor is left out. */
const NOISIER = 3;

export interface Referenced {
  readonly set: CurveSet;
  /** Names of the blanks that were used, and of those that were too noisy. */
  readonly used: readonly string[];
  readonly noisy: readonly string[];
}

/** Returns the set minus the mean of its quiet blanks; without blanks, the set itself. */
export function withoutBlanks(set: CurveSet): Referenced {
  const isBlank = (cycle: CurveCycle) => highestOf(cycle) === 0;
  const blanks = set.cycles.filter(isBlank);
  const samples = set.cycles.filter((cycle) => !isBlank(cycle));
  if (blanks.length === 0 || samples.length === 0) return { set, used: [], noisy: [] };
  const noises = blanks.map(noiseOf);
  const least = Math.min(...noises);
  const quiet = blanks.filter((_blank, at) => (noises[at] as number) <= NOISIER * least);
  const cycles = samples.map((cycle) => ({
    ...cycle,
    responses: cycle.responses.map((value, at) => value - meanAt(quiet, cycle.timesS[at] as number)),
  }));
  return {
    set: { ...set, cycles },
    used: quiet.map(({ name }) => name),
    noisy: blanks.filter((blank) => !quiet.includes(blank)).map(({ name }) => name),
  };
}

function noiseOf({ responses }: CurveCycle): number {
  let sum = 0;
  for (let at = 1; at < responses.length; at++) sum += ((responses[at] as number) - (responses[at - 1] as number)) ** 2;
  return Math.sqrt(sum / Math.max(1, 2 * (responses.length - 1)));
}

function meanAt(blanks: readonly CurveCycle[], timeS: number): number {
  return blanks.reduce((sum, blank) => sum + valueAt(blank, timeS), 0) / blanks.length;
}

/** Interpolates linearly between neighbours; beyond the ends returns the end value. */
function valueAt({ timesS, responses }: CurveCycle, timeS: number): number {
  let [low, high] = [0, timesS.length - 1];
  if (timeS <= (timesS[low] as number)) return responses[low] as number;
  if (timeS >= (timesS[high] as number)) return responses[high] as number;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((timesS[middle] as number) <= timeS) low = middle;
    else high = middle;
  }
  const [fromS, toS] = [timesS[low] as number, timesS[high] as number];
  const [from, to] = [responses[low] as number, responses[high] as number];
  return from + ((timeS - fromS) / (toS - fromS)) * (to - from);
}
