// Ids of outcomes: in order of completion. They are the cursors of the outputs, which begin at 0. What `phorest remeasure` measures
// has ids below 0, so that no output passes it on as new, and none waits for it.

/** A cursor before every outcome, also before those that were measured again. */
export const BEFORE_ALL = -(2 ** 52);
