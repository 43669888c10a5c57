// Decimates a curve of any length to what a screen can show. Each pixel column keeps the first, smallest, largest and last
// valid point, so extremes are exact. Lines are interrupted at pauses, and doubtful points are separate.
import { lowerBound } from "../manifest/timestamps.ts";
import { upperMedian } from "../measurement/statistics.ts";

/** A pause longer than this many usual intervals interrupts the line. */
const GAP_INTERVALS = 3;
/** Number of intervals that the usual one is computed from. */
const SAMPLED_INTERVALS = 501;
/** Maximum number of marks for doubtful points. They are a few pixels wide, so more would only overlap. */
const MOST_MARKS = 400;

export interface CurveData {
  /** Increasing times, µs. */
  readonly timesUs: Float64Array;
  readonly values: Float64Array;
  /** FLAGS bits. */
  readonly flags: Uint8Array;
  /** Standard errors of the values; NaN if there is none. */
  readonly errors?: Float64Array;
}

export interface DecimatedCurve {
  /** ms since 1970. */
  readonly times: number[];
  /** Values; null is a gap. */
  readonly values: (number | null)[];
  /** Standard error of each value; null for a gap or if it is unknown. */
  readonly errors: (number | null)[];
  /** Points whose fit is doubtful. */
  readonly flagged: {
    readonly times: number[];
    readonly values: number[];
    readonly errors: (number | null)[];
    readonly flags: number[];
  };
}

/**
 * How time is divided into columns: at multiples of a power of two of µs. A complete column never changes when more data
 * follows, so only the end of a drawing needs an update.
 */
export interface Columns {
  readonly columnUs: number;
  /** Width of the columns that get one mark each for doubtful points, µs. */
  readonly markUs: number;
}

/** Returns columns of one or two pixels. */
export function columnsOf(fromUs: number, toUs: number, pixels: number): Columns {
  const columnUs = 2 ** Math.ceil(Math.log2(Math.max(1, (toUs - fromUs) / pixels)));
  return { columnUs, markUs: columnUs * 2 ** Math.ceil(Math.log2(Math.max(1, pixels / MOST_MARKS))) };
}

/** Returns the start of the column that contains a time. */
export function columnStart({ markUs }: Columns, timeUs: number): number {
  return Math.floor(timeUs / markUs) * markUs;
}

/**
 * Returns what to draw of a curve from `fromUs` to `toUs`, with one more point on either side. With `tailUs`, which must be the
 * start of a column, returns only what follows it.
 */
export function decimate(
  curve: CurveData,
  fromUs: number,
  toUs: number,
  { columnUs, markUs }: Columns,
  tailUs?: number,
): DecimatedCurve {
  const { timesUs, values, flags, errors } = curve;
  const first = Math.max(0, lowerBound(timesUs, fromUs) - 1, tailUs === undefined ? 0 : lowerBound(timesUs, tailUs));
  const end = Math.min(timesUs.length, lowerBound(timesUs, toUs) + 1);
  const gapUs = GAP_INTERVALS * usualInterval(timesUs);
  const out = { times: [] as number[], values: [] as (number | null)[], errors: [] as (number | null)[] };
  const flagged = {
    times: [] as number[],
    values: [] as number[],
    errors: [] as (number | null)[],
    flags: [] as number[],
  };
  let column: number[] = [];
  let columnNumber = Number.NaN;
  let lastMark = Number.NaN;
  let lastSoundUs = tailUs === undefined ? Number.NaN : lastSound(curve, first);
  const put = (timeUs: number, value: number | null, error: number | null) => {
    out.times.push(timeUs / 1000);
    out.values.push(value === null ? null : rounded(value));
    out.errors.push(error);
  };
  const errorAt = (at: number) => {
    const error = errors?.[at];
    return error === undefined || !Number.isFinite(error) ? null : Number(error.toPrecision(3));
  };
  const flush = () => {
    for (const at of outermost(column, values)) put(timesUs[at] as number, values[at] as number, errorAt(at));
    column = [];
  };
  for (let at = first; at < end; at += 1) {
    const value = values[at] as number;
    if (!Number.isFinite(value)) continue;
    const timeUs = timesUs[at] as number;
    if (flags[at] !== 0) {
      const mark = Math.floor(timeUs / markUs);
      if (mark === lastMark) continue;
      lastMark = mark;
      flagged.times.push(timeUs / 1000);
      flagged.values.push(rounded(value));
      flagged.errors.push(errorAt(at));
      flagged.flags.push(flags[at] as number);
      continue;
    }
    const here = Math.floor(timeUs / columnUs);
    if (timeUs - lastSoundUs > gapUs) {
      flush();
      // Placed in the column of the point that follows, so that both are updated together.
      put(timeUs - 1, null, null);
    } else if (here !== columnNumber) flush();
    columnNumber = here;
    lastSoundUs = timeUs;
    column.push(at);
  }
  flush();
  return { ...out, flagged };
}

/** Returns the time of the last valid point before an index, µs; NaN if there is none. */
function lastSound({ timesUs, values, flags }: CurveData, before: number): number {
  for (let at = before - 1; at >= 0; at -= 1) {
    if (flags[at] === 0 && Number.isFinite(values[at])) return timesUs[at] as number;
  }
  return Number.NaN;
}

/** Returns the first, smallest, largest and last point of a pixel column, in order and without duplicates. */
function outermost(points: readonly number[], values: Float64Array): readonly number[] {
  if (points.length <= 4) return points;
  let least = points[0] as number;
  let greatest = least;
  for (const at of points) {
    if ((values[at] as number) < (values[least] as number)) least = at;
    if ((values[at] as number) > (values[greatest] as number)) greatest = at;
  }
  return [
    ...new Set([points[0] as number, Math.min(least, greatest), Math.max(least, greatest), points.at(-1) as number]),
  ];
}

/** Returns the median distance of neighbouring frames, µs; infinite for fewer than two. */
function usualInterval(timesUs: Float64Array): number {
  const count = timesUs.length - 1;
  if (count < 1) return Number.POSITIVE_INFINITY;
  const step = Math.max(1, Math.floor(count / SAMPLED_INTERVALS));
  const intervals: number[] = [];
  for (let at = 0; at < count; at += step) intervals.push((timesUs[at + 1] as number) - (timesUs[at] as number));
  return Math.max(1, upperMedian(intervals) as number);
}

/** Rounds to ten nanopixels, which is finer than any screen and any resonance. */
function rounded(value: number): number {
  return Number(value.toPrecision(8));
}
