// How long to wait after failures in a row: each wait is twice the one before, up to a longest one.

const MOST_DOUBLINGS = 30;

/** The wait after the n-th failure in a row, in the unit of `first`, which is the wait after the first one. */
export function backOff(first: number, longest: number, failures: number): number {
  return Math.min(longest, first * 2 ** Math.min(Math.max(0, failures - 1), MOST_DOUBLINGS));
}
