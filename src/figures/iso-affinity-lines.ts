// Computes the lines of equal KD in an iso-affinity plot, where log kd = log KD + log ka.

export interface IsoAffinityLine {
  /** KD = 10 ** power M. */
  readonly power: number;
  /** Ends of the line in the plot, as powers of ten of kd and ka. */
  readonly from: { readonly kd: number; readonly ka: number };
  readonly to: { readonly kd: number; readonly ka: number };
}

/** Minimum length of a line, decades; shorter ones only cut a corner. */
const SHORTEST = 0.05;

/** Returns the line of each power of ten that crosses a plot with these bounds, powers of ten of 1/s and 1/(M s). */
export function isoAffinityLines(
  kd: readonly [low: number, high: number],
  ka: readonly [low: number, high: number],
): IsoAffinityLine[] {
  const [least, most] = [Math.floor(kd[0] - ka[1]), Math.ceil(kd[1] - ka[0])];
  return Array.from({ length: most - least + 1 }, (_zero, at) => least + at).flatMap((power) => {
    const [from, to] = [Math.max(kd[0], power + ka[0]), Math.min(kd[1], power + ka[1])];
    if (to - from < SHORTEST) return [];
    return [{ power, from: { kd: from, ka: from - power }, to: { kd: to, ka: to - power } }];
  });
}
