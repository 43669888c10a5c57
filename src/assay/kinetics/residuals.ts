// Examines the residuals of a fit: how large they are, and whether they are noise.
import type { CycleFit, RawFit } from "./native-kinetics.ts";

/** Returns the bound part of a fitted curve at each fitted point: without offset, drift and bulk shift. */
export function boundOf({ cycle, index, fitted, offset = 0, drift = 0, driftFromS, bulk }: CycleFit): Float64Array {
  return fitted.map((value, at) => {
    const timeS = cycle.timesS[index[at] as number] as number;
    const shift = cycle.injections.reduce(
      (sum, { startS, endS }, which) => (timeS >= startS && timeS < endS ? sum + (bulk[which] ?? 0) : sum),
      0,
    );
    return value - offset - drift * (timeS - driftFromS) - shift;
  });
}

/** Returns the largest bound response. */
export function amplitudeOf({ cycles }: RawFit): number {
  let most = 0;
  for (const cycle of cycles) for (const value of boundOf(cycle)) most = Math.max(most, Math.abs(value));
  return most;
}

export function residualsOf({ cycle, index, fitted }: CycleFit): Float64Array {
  return fitted.map((value, at) => (cycle.responses[index[at] as number] as number) - value);
}

/** Returns the root mean square. */
export function rmsOf(values: readonly Float64Array[]): number {
  let [sum, count] = [0, 0];
  for (const list of values) {
    for (const value of list) sum += value * value;
    count += list.length;
  }
  return count === 0 ? Number.NaN : Math.sqrt(sum / count);
}

/** Length of a block of the run test, in correlation lengths of the noise. */
const MEMORIES = 2;
const FEWEST_BLOCKS = 10;

/**
 * Runs Wald and Wolfowitz's run test on the signs of block means. Returns by how many standard deviations the number of runs
 * exceeds that of noise; far below 0 the curve has a different shape from the model. The blocks are long enough that the noise
 * of consecutive blocks is uncorrelated. NaN if there are too few blocks.
 */
export function runTest(residuals: readonly Float64Array[], neighbours: number): number {
  const rho = Math.min(Math.max(neighbours, 0), 0.98);
  const length = Math.max(1, Math.round((MEMORIES * (1 + rho)) / (1 - rho)));
  let [above, below, runs, blocks] = [0, 0, 0, 0];
  for (const list of residuals) {
    let before = 0;
    for (let from = 0; from + length <= list.length; from += length) {
      const sign = Math.sign(list.subarray(from, from + length).reduce((sum, value) => sum + value, 0)) || 1;
      if (sign > 0) above += 1;
      else below += 1;
      if (sign !== before) runs += 1;
      before = sign;
      blocks += 1;
    }
  }
  if (blocks < FEWEST_BLOCKS || above === 0 || below === 0) return Number.NaN;
  // Each cycle begins a new run; half of the previous runs would have continued.
  const expected = 1 + (2 * above * below) / blocks + (residuals.length - 1) / 2;
  const deviation = Math.sqrt(((expected - 1) * (expected - 2)) / Math.max(blocks - 1, 1));
  return (runs - expected) / deviation;
}

/**
 * Tests whether cycles have similar residuals: the noise of different cycles is unrelated, but a wrong model leaves the same
 * shape. Returns by how many standard deviations the squared correlations of cycles exceed those of noise; NaN for cycles of
 * different lengths, or a single one.
 */
export function commonShape(residuals: readonly Float64Array[], { share, rho }: RawFit["noise"]): number {
  const length = residuals[0]?.length ?? 0;
  if (residuals.length < 2 || length < 2 || residuals.some((list) => list.length !== length)) return Number.NaN;
  const memory = 1 + (2 * share * share * rho * rho) / (1 - rho * rho);
  const independent = Math.max(length / memory, 2);
  let [sum, pairs] = [0, 0];
  residuals.forEach((one, at) => {
    for (const other of residuals.slice(at + 1)) {
      let [product, ones, others] = [0, 0, 0];
      one.forEach((value, i) => {
        product += value * (other[i] as number);
        ones += value * value;
        others += (other[i] as number) ** 2;
      });
      sum += ones > 0 && others > 0 ? (product * product * independent) / (ones * others) : 0;
      pairs += 1;
    }
  });
  return (sum - pairs) / Math.sqrt(2 * pairs);
}
