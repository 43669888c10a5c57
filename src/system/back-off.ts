// How long to wait after consecutive failures: each wait is twice the previous one, up to a limit.

const MOST_DOUBLINGS = 30;

/** Returns the wait after the n-th consecutive failure, in the unit of `first`, which is the wait after the first one. */
export function backOff(first: number, longest: number, failures: number): number {
  return Math.min(longest, first * 2 ** Math.min(Math.max(0, failures - 1), MOST_DOUBLINGS));
}
