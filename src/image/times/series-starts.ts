// Finds the start times of series whose times count from their own start, without a date.
import type { Found, TimedFile } from "./find.ts";

/** A start, microseconds since the epoch. */
interface Start {
  readonly us: number;
  /** Whether it is derived from a modification time. */
  readonly isGuessed: boolean;
}

/** Start for times that have a date. */
export const OF_EPOCH: Start = { us: 0, isGuessed: false };

/** The known starts. The first one found for a series is kept. */
export class SeriesStarts {
  readonly #known = new Map<string, Start>();

  /**
   * Adds files. A series without a date gets the earliest start that its files allow, because no file is written before its
   * images are taken.
   */
  note(found: ReadonlyMap<TimedFile, Found>): void {
    const starts = new Map<string, Start>();
    for (const [file, { stated, series, date }] of found) {
      const [us] = stated.us;
      if (!stated.relative || series === undefined || us === undefined) continue;
      const guessedUs = file.modifiedUs - Math.max(us, stated.lastUs ?? us);
      const start = { us: date === undefined ? guessedUs : date - us, isGuessed: date === undefined };
      const earliest = starts.get(series);
      const isBetter = earliest?.isGuessed === start.isGuessed ? start.us < earliest.us : !start.isGuessed;
      if (earliest === undefined || isBetter) starts.set(series, start);
    }
    for (const [series, start] of starts) if (!this.#known.has(series)) this.#known.set(series, start);
  }

  /**
   * Returns the start of times without a date: either the first page has the file's date, or the last page has the modification
   * time.
   */
  of(file: TimedFile, { stated, series, date }: Found): Start {
    const known = series === undefined ? undefined : this.#known.get(series);
    if (known !== undefined) return known;
    const given = stated.us.filter((time) => time !== undefined);
    const [firstUs = 0] = given;
    const lastUs = given.reduce((last, time) => Math.max(last, time), Number.NEGATIVE_INFINITY);
    const us = date === undefined ? file.modifiedUs - (given.length === 0 ? 0 : lastUs) : date - firstUs;
    const start = { us, isGuessed: date === undefined };
    if (series !== undefined) this.#known.set(series, start);
    return start;
  }
}
