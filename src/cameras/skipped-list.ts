// What a source of files does not take, for the status and the log.

/** Pictures that cannot be taken under their present name: a line for each of the first ones, and how many there are. */
export interface SkippedList {
  readonly lines: readonly string[];
  readonly total: number;
}
