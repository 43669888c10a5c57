// The files that a file source does not take, for the status and the log.

/** Pictures that cannot be taken under their present name: one line for each of the first ones, and their total number. */
export interface SkippedList {
  readonly lines: readonly string[];
  readonly total: number;
}
