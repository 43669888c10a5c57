// Where a capture time comes from.

/** Sources of capture times. `file` is the file's time of modification: a guess, because copying a file may change it. */
export const TIME_SOURCES = ["micro-manager", "ome", "imagej", "exif", "name", "table", "file"] as const;
export type TimeSource = (typeof TIME_SOURCES)[number];

/** What one source says about the pages of one file. Times in microseconds. */
export interface Stated {
  /** For each page: since the epoch, or, without a date, since the start of the series. undefined: the source does not say. */
  readonly us: readonly (number | undefined)[];
  /** The times count from the start of the series; the source does not give its date. */
  readonly relative: boolean;
  /** One line for each thing that a person should know: missing time zone, contradictions. */
  readonly notes: readonly string[];
}
