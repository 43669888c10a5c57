// Ids of outcomes, in order of completion. They are the cursors of the outputs, which begin at 0. Results of `phorest remeasure`
// have ids below 0, so that no output passes them on as new or waits for them.

/** A cursor before every outcome, including those of `phorest remeasure`. */
export const BEFORE_ALL = -(2 ** 52);
