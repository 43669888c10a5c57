// A curve of any length as what a screen can show of it: per column of pixels the first, smallest, largest and last sound
// point (so that extremes are the true ones), lines cut at pauses, doubtful points apart.
import { lowerBound } from "../manifest/timestamps.ts";
import { upperMedian } from "../measurement/statistics.ts";

/** A pause of more than this many usual intervals interrupts the line. */
const GAP_INTERVALS = 3;
/** Number of intervals from which the usual one is taken. */
const SAMPLED_INTERVALS = 501;
/** Doubtful points are marks of some pixels: more of them than this would only overlap. */
const MOST_MARKS = 400;

export interface CurveData {
  /** Rising, µs. */
  readonly timesUs: Float64Array;
  readonly values: Float64Array;
  /** FLAGS bits. */
  readonly flags: Uint8Array;
  /** Standard errors of the values; NaN where there is none. */
  readonly errors?: Float64Array;
}

export interface DecimatedCurve {
  /** ms since 1970. */
  readonly times: number[];
  /** null is a gap. */
  readonly values: (number | null)[];
  /** Standard error of each value; null for a gap and where it is not known. */
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
 * How a time is cut into columns: at multiples of a power of two of µs. A full column never changes, even if more comes
 * after it, so that a drawing is brought up to date by its end alone.
 */
export interface Columns {
  readonly columnUs: number;
  /** Of these each gets one mark for a doubtful point. */
  readonly markUs: number;
}

/** Columns of one or two pixels. */
export function columnsOf(fromUs: number, toUs: number, pixels: number): Columns {
  const columnUs = 2 ** Math.ceil(Math.log2(Math.max(1, (toUs - fromUs) / pixels)));
  return { columnUs, markUs: columnUs * 2 ** Math.ceil(Math.log2(Math.max(1, pixels / MOST_MARKS))) };
}

/** The beginning of the columns that a time is in. */
export function columnStart({ markUs }: Columns, timeUs: number): number {
  return Math.floor(timeUs / markUs) * markUs;
}

/**
 * What to draw of a curve from `fromUs` to `toUs`, with one point more on either side. With `tailUs`, which begins
 * columns, only what is from there on.
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
      // In the column of the point that follows, so that they come and go together.
      put(timeUs - 1, null, null);
    } else if (here !== columnNumber) flush();
    columnNumber = here;
    lastSoundUs = timeUs;
    column.push(at);
  }
  flush();
  return { ...out, flagged };
}

/** Time of the last sound point before an index, µs; NaN where there is none. */
function lastSound({ timesUs, values, flags }: CurveData, before: number): number {
  for (let at = before - 1; at >= 0; at -= 1) {
    if (flags[at] === 0 && Number.isFinite(values[at])) return timesUs[at] as number;
  }
  return Number.NaN;
}

/** First, smallest, largest and last of the points of one pixel column, each once, in order. */
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

/** Median distance of neighbouring frames, µs; infinite for fewer than two. */
function usualInterval(timesUs: Float64Array): number {
  const count = timesUs.length - 1;
  if (count < 1) return Number.POSITIVE_INFINITY;
  const step = Math.max(1, Math.floor(count / SAMPLED_INTERVALS));
  const intervals: number[] = [];
  for (let at = 0; at < count; at += step) intervals.push((timesUs[at + 1] as number) - (timesUs[at] as number));
  return Math.max(1, upperMedian(intervals) as number);
}

/** Ten nanopixels are finer than any screen and any resonance. */
function rounded(value: number): number {
  return Number(value.toPrecision(8));
}
