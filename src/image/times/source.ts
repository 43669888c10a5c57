// Sources of capture times.

/** Sources of capture times. `file` is the file's modification time: a guess, because copying a file may change it. */
export const TIME_SOURCES = ["micro-manager", "ome", "imagej", "exif", "name", "table", "file"] as const;
export type TimeSource = (typeof TIME_SOURCES)[number];

/** What one source states about the pages of one file. Times in microseconds. */
export interface Stated {
  /**
   * For each page: since the epoch, or, without a date, since the start of the series; undefined if the source does not state
   * it.
   */
  readonly us: readonly (number | undefined)[];
  /** The times count from the start of the series; the source does not give its date. */
  readonly relative: boolean;
  /**
   * Only for a separate image whose time is a whole second: exact time since the start of its series. The start itself must be
   * found separately.
   */
  readonly elapsedUs?: number | undefined;
  /** Time of the last image of the file, if the source states it although only some of its pages were asked for. */
  readonly lastUs?: number | undefined;
  /** Messages for the user, one line each: missing time zone, contradictions. */
  readonly notes: readonly string[];
}
