// When the series begin whose times count from a start of their own, without a date.
import type { Found, TimedFile } from "./find.ts";

/** A start, microseconds since the epoch. */
interface Start {
  readonly us: number;
  /** From a time of modification. */
  readonly isGuessed: boolean;
}

/** Of times that have a date. */
export const OF_EPOCH: Start = { us: 0, isGuessed: false };

/** The starts that are known; the first that is found for a series stays. */
export class SeriesStarts {
  readonly #known = new Map<string, Start>();

  /** Takes files of series: one without a date starts at the earliest that its files allow, as none is written before it is taken. */
  note(found: ReadonlyMap<TimedFile, Found>): void {
    const starts = new Map<string, Start>();
    for (const [file, { stated, series, date }] of found) {
      const [us] = stated.us;
      if (!stated.relative || series === undefined || us === undefined) continue;
      const start = { us: (date ?? file.modifiedUs) - us, isGuessed: date === undefined };
      const earliest = starts.get(series);
      const isBetter = earliest?.isGuessed === start.isGuessed ? start.us < earliest.us : !start.isGuessed;
      if (earliest === undefined || isBetter) starts.set(series, start);
    }
    for (const [series, start] of starts) if (!this.#known.has(series)) this.#known.set(series, start);
  }

  /** When times without a date begin: the first page has the file's date, or the last one the time of modification. */
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
