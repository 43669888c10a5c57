// Computes the time resolution of an experiment: the intervals between its frames and their distribution.
import { medianOf } from "../measurement/statistics.ts";

/** Returns the seconds between neighbouring frames, in order of time. */
export function frameIntervals(timesUs: Float64Array): Float64Array {
  const sorted = timesUs.slice().sort();
  return Float64Array.from({ length: Math.max(sorted.length - 1, 0) }, (_x, at) => {
    return ((sorted[at + 1] as number) - (sorted[at] as number)) / 1e6;
  });
}

export interface IntervalSummary {
  readonly medianSeconds: number;
  readonly shortestSeconds: number;
  readonly longestSeconds: number;
  /** Number of intervals above LONG medians: at least one frame is missing there. */
  readonly long: number;
}

/** Multiple of the median above which an interval has room for a missing frame. */
const LONG = 1.5;

/** Summarises the intervals; there must be at least one. */
export function intervalSummary(seconds: Float64Array): IntervalSummary {
  const medianSeconds = medianOf(seconds);
  let [shortest, longest, long] = [Number.POSITIVE_INFINITY, 0, 0];
  for (const one of seconds) {
    shortest = Math.min(shortest, one);
    longest = Math.max(longest, one);
    if (one > LONG * medianSeconds) long += 1;
  }
  return { medianSeconds, shortestSeconds: shortest, longestSeconds: longest, long };
}

/** A bar: values from `from` to below `to`; the last bar includes its end. */
export interface HistogramBar {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

const MOST_BARS = 60;
const ROUND_STEPS = [1, 2, 5, 10] as const;

/** Returns a histogram with bars of a round width: as many as show the distribution, at most 60. */
export function histogramOf(values: Float64Array): HistogramBar[] {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const wanted = Math.min(MOST_BARS, Math.max(8, Math.ceil(2 * Math.cbrt(values.length))));
  const width = roundWidth((high - low) / wanted, high);
  const first = Math.floor(low / width);
  const bars = Math.floor(high / width) - first + 1;
  const counts = new Array<number>(bars).fill(0);
  for (const value of values) {
    const bar = Math.min(Math.floor(value / width) - first, bars - 1);
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  return counts.map((count, at) => ({ from: (first + at) * width, to: (first + at + 1) * width, count }));
}

/** Returns 1, 2 or 5 times a power of ten, at least `least`; if all values are equal, about a thousandth of them. */
function roundWidth(least: number, high: number): number {
  const wanted = Math.max(least, Math.abs(high) / 1000, 1e-6);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * (ROUND_STEPS.find((step) => step * power >= wanted * (1 - 1e-9)) ?? 10);
}

/** Minimum length of a histogram's axis, in bars. */
const LEAST_BARS = 15;

/**
 * Returns the ends of the axis for at least one bar. There is space on both sides, so that equal values appear as one bar
 * instead of filling the frame.
 */
export function histogramAxis(bars: readonly HistogramBar[]): [number, number] {
  const [first, last] = [bars[0] as HistogramBar, bars.at(-1) as HistogramBar];
  const beside = Math.max(1, (LEAST_BARS - bars.length) / 2) * (first.to - first.from);
  return [first.from - beside, last.to + beside];
}
