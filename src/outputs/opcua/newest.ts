// The order of capture among outcomes, which are numbered in the order in which they were measured.
import type { Outcome } from "../../manifest/outcomes.ts";

/** Whether a frame was captured after another one; of two of the same moment the one measured later is the newer. */
export const isNewer = (one: Outcome, other: Outcome): boolean => compare(one, other) > 0;

/** The outcomes, the earliest capture first. */
const byCapture = (outcomes: readonly Outcome[]): Outcome[] => [...outcomes].sort(compare);

/** The outcome captured last; undefined of none. */
export const newestOf = (outcomes: readonly Outcome[]): Outcome | undefined => byCapture(outcomes).at(-1);

const compare = (one: Outcome, other: Outcome): number =>
  one.capturedAtUs - other.capturedAtUs || one.outcomeId - other.outcomeId;

/**
 * What is sent next of a backlog: of the next outcomes as they were measured, `window`, those of which no later one was captured
 * earlier, in the order of capture. `ahead` were sent already. Frames measured side by side change places by less than half of
 * a full window, of `size` outcomes; a window that is not full is the end of the backlog. Never empty while one is unsent.
 */
export function turnOf(window: readonly Outcome[], ahead: ReadonlySet<number>, size: number): Outcome[] {
  const isUnsent = ({ outcomeId }: Outcome) => !ahead.has(outcomeId);
  const ordered = byCapture(window);
  if (window.length < size) return ordered.filter(isUnsent);
  const turn = ordered.slice(0, size >> 1).filter(isUnsent);
  return turn.length > 0 ? turn : ordered.filter(isUnsent).slice(0, 1);
}
