// The order of capture among outcomes, which are numbered in the order in which they were measured.
import type { Outcome } from "../../manifest/outcomes.ts";

/** Whether a frame was captured after another one; of two of the same moment the one measured later is the newer. */
export const isNewer = (one: Outcome, other: Outcome): boolean => compare(one, other) > 0;

/** The outcomes, the earliest capture first. */
export const byCapture = (outcomes: readonly Outcome[]): Outcome[] => [...outcomes].sort(compare);

/** The outcome captured last; undefined of none. */
export const newestOf = (outcomes: readonly Outcome[]): Outcome | undefined => byCapture(outcomes).at(-1);

const compare = (one: Outcome, other: Outcome): number =>
  one.capturedAtUs - other.capturedAtUs || one.outcomeId - other.outcomeId;
