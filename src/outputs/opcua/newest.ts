// Orders outcomes, which are numbered in the order of measurement, by capture time.
import type { Outcome } from "../../manifest/outcomes.ts";

/** Whether a frame was captured after another one; if at the same time, the one measured later is newer. */
export const isNewer = (one: Outcome, other: Outcome): boolean => compare(one, other) > 0;

/** Returns the outcomes, the earliest capture first. */
const byCapture = (outcomes: readonly Outcome[]): Outcome[] => [...outcomes].sort(compare);

/** Returns the outcome captured last; undefined if there is none. */
export const newestOf = (outcomes: readonly Outcome[]): Outcome | undefined => byCapture(outcomes).at(-1);

const compare = (one: Outcome, other: Outcome): number =>
  one.capturedAtUs - other.capturedAtUs || one.outcomeId - other.outcomeId;

/**
 * Returns what to send next of a backlog. `window` contains the next outcomes in the order of measurement; the result contains
 * those for which no later outcome can have been captured earlier, in the order of capture. `ahead` were sent already. Frames
 * that are measured in parallel are displaced by less than half of a full window of `size` outcomes; a window that is not full is
 * the end of the backlog. The result is never empty if an outcome is unsent.
 */
export function turnOf(window: readonly Outcome[], ahead: ReadonlySet<number>, size: number): Outcome[] {
  const isUnsent = ({ outcomeId }: Outcome) => !ahead.has(outcomeId);
  const ordered = byCapture(window);
  if (window.length < size) return ordered.filter(isUnsent);
  const turn = ordered.slice(0, size >> 1).filter(isUnsent);
  return turn.length > 0 ? turn : ordered.filter(isUnsent).slice(0, 1);
}
