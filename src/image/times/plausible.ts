// Drops times that cannot be: metadata can hold any number, and a damaged one must not stop the measurement of all images.
import type { Stated } from "./source.ts";

/** The year 9999, microseconds since the epoch. */
const LATEST_US = 2.5e17;
/** Longest time since the start of a series: a hundred years, microseconds. */
export const LONGEST_US = 3.2e15;

/** Returns the times without impossible ones, with a note about them. */
export function plausibleTimes(stated: Stated): Stated {
  const most = stated.relative ? LONGEST_US : LATEST_US;
  const isWrong = (us: number | undefined) => us !== undefined && !(Math.abs(us) <= most);
  const first = stated.us.findIndex(isWrong);
  if (first === -1) return stated;
  const count = stated.us.filter(isWrong).length;
  const pages = count === 1 ? `the time of page ${first + 1} is` : `the times of ${count} pages are`;
  return {
    ...stated,
    us: stated.us.map((us) => (isWrong(us) ? undefined : us)),
    notes: [...stated.notes, `${pages} impossible and not used`],
  };
}
