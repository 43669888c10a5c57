// Zooming a plot in time.

/** The shortest time that zooming in shows, ms. */
const SHORTEST_MS = 1000;

type Time = readonly [from: number, to: number];

/**
 * Returns the time range `from` to `to` zoomed by `factor` around `at`, or around its middle; undefined if that were too short.
 */
export function zoomed([from, to]: Time, factor: number, at = (from + to) / 2): Time | undefined {
  if ((to - from) * factor < SHORTEST_MS) return undefined;
  return [at - (at - from) * factor, at + (to - at) * factor];
}
