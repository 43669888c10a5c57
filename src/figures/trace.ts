// Reduces a curve to what is drawn: at most four points per pixel column (first, last, smallest, largest, so that extremes
// remain), lines interrupted at gaps, doubtful points separately, and values beyond the limits marked at the limit.
import { upperMedian } from "../measurement/statistics.ts";
import type { PlotSeries } from "./plot-input.ts";

export interface TracePoint {
  /** ms since the epoch */
  readonly t: number;
  /** px (shift, or position where nothing is subtracted) */
  readonly v: number;
}

export interface Trace {
  /** Runs of valid points; a line may only join points of the same run. */
  readonly runs: readonly (readonly TracePoint[])[];
  /** Points whose fit is doubtful, within the limits. */
  readonly doubtful: readonly TracePoint[];
  /** Points beyond the limits, moved to the limit. */
  readonly clipped: readonly (TracePoint & { readonly doubtful: boolean })[];
}

export type Limits = readonly [number, number];

/** Number of positions along the time axis for marks; more would hide the curves. */
const MOST_MARKS = 120;

/**
 * Returns what to draw of `series` within `span`, as values minus `zero`. `columns`: pixel columns of the panel, which limits
 * the number of points.
 */
export function traceOf(series: PlotSeries, zero: number, span: Limits, columns: number, limits: Limits): Trace {
  const runs: TracePoint[][] = [];
  const doubtful: TracePoint[] = [];
  const clipped: (TracePoint & { doubtful: boolean })[] = [];
  const perMs = columns / Math.max(span[1] - span[0], 1);
  const columnOf = (t: number) => Math.floor((t - span[0]) * perMs);
  const marksPerMs = Math.min(perMs, MOST_MARKS / Math.max(span[1] - span[0], 1));
  let run: TracePoint[] = [];
  let column: TracePoint[] = [];
  let lastMark = { column: Number.NaN, distance: 0 };
  let lastMarkClipped = false;

  const flush = () => {
    run.push(...outermost(column));
    column = [];
  };
  const cut = () => {
    flush();
    if (run.length > 0) runs.push(run);
    run = [];
  };
  const mark = (t: number, v: number, isDoubtful: boolean) => {
    const here = Math.floor((t - span[0]) * marksPerMs);
    const [low, high] = limits;
    const beyond = v < low || v > high;
    // One mark per position: the outermost.
    const distance = Math.abs(v - (low + high) / 2);
    if (here === lastMark.column) {
      if (distance <= lastMark.distance) return;
      (lastMarkClipped ? clipped : doubtful).pop();
    }
    lastMark = { column: here, distance };
    lastMarkClipped = beyond;
    if (beyond) clipped.push({ t, v: clamp(v, limits), doubtful: isDoubtful });
    else doubtful.push({ t, v });
  };

  for (let i = 0; i < series.timesMs.length; i += 1) {
    const t = series.timesMs[i] as number;
    const v = (series.values[i] as number) - zero;
    if (Number.isNaN(v)) {
      cut();
      continue;
    }
    const isDoubtful = series.flags[i] !== 0;
    if (isDoubtful || v < limits[0] || v > limits[1]) mark(t, v, isDoubtful);
    if (isDoubtful) continue;
    const previous = column[0];
    if (previous !== undefined && columnOf(previous.t) !== columnOf(t)) flush();
    column.push({ t, v: clamp(v, limits) });
  }
  cut();
  return { runs, doubtful, clipped };
}

/** Returns the first, smallest, largest and last point of a pixel column, by time and without duplicates. */
function outermost(points: readonly TracePoint[]): readonly TracePoint[] {
  if (points.length <= 2) return points;
  let least = 0;
  let greatest = 0;
  for (let i = 1; i < points.length; i += 1) {
    if ((points[i]?.v ?? 0) < (points[least]?.v ?? 0)) least = i;
    if ((points[i]?.v ?? 0) > (points[greatest]?.v ?? 0)) greatest = i;
  }
  const kept = new Set([0, least, greatest, points.length - 1]);
  return points.filter((_point, index) => kept.has(index));
}

function clamp(value: number, [low, high]: Limits): number {
  return Math.min(Math.max(value, low), high);
}

/** Returns the zero of an ROI's shift: its baseline, otherwise the median of its points, otherwise 0. */
export function zeroOf(series: PlotSeries): number {
  if (series.baselinePx !== undefined) return series.baselinePx;
  return upperMedian(series.values.filter(Number.isFinite)) ?? 0;
}

/**
 * Share of the values on each side that may be outliers, and how far the axis extends beyond the others at most, as a share of
 * their range.
 */
const TAIL = 0.01;
const REACH = 0.3;
/** Minimum range of an axis, px; a narrower one would only magnify rounding. */
const LEAST_SPAN = 0.02;

/**
 * Returns limits that include all valid values except outliers, which are farther from the middle 98 % than REACH times its
 * width. Doubtful values count only if there are no valid ones. Undefined without any value.
 */
export function robustLimits(series: readonly PlotSeries[], zero: (series: PlotSeries) => number): Limits | undefined {
  let values = shifts(series, zero, true);
  if (values.length === 0) values = shifts(series, zero, false);
  if (values.length === 0) return undefined;
  const at = (share: number) => values[Math.round(share * (values.length - 1))] as number;
  const width = at(1 - TAIL) - at(TAIL);
  let low = Math.max(at(0), at(TAIL) - REACH * width);
  let high = Math.min(at(1), at(1 - TAIL) + REACH * width);
  const missing = LEAST_SPAN - (high - low);
  if (missing > 0) {
    low -= missing / 2;
    high += missing / 2;
  }
  const margin = 0.05 * (high - low);
  return [low - margin, high + margin];
}

/** Returns all valid (or all doubtful) shifts, in increasing order. */
function shifts(series: readonly PlotSeries[], zero: (series: PlotSeries) => number, sound: boolean): Float64Array {
  const found = new Float64Array(series.reduce((sum, one) => sum + one.values.length, 0));
  let count = 0;
  for (const one of series) {
    const base = zero(one);
    one.values.forEach((value, i) => {
      if (!Number.isFinite(value) || (one.flags[i] === 0) !== sound) return;
      found[count] = value - base;
      count += 1;
    });
  }
  return found.subarray(0, count).sort();
}

/** Returns the time axis: the span of the frames, widened if there is at most one frame. */
export function timeSpan(spanMs: Limits | undefined): Limits {
  const [first, last] = spanMs ?? [0, 0];
  return last > first ? [first, last] : [first - 60_000, first + 60_000];
}

/** Minimum range of the temperature axis, °C; a narrower one would only magnify the sensor's last digit. */
const LEAST_CELSIUS = 0.5;

/** Returns the temperature axis, °C: everything measured, with a margin. */
export function celsiusLimits(temperatures: readonly { readonly values: Float64Array }[]): Limits {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of temperatures.flatMap(({ values }) => [...values])) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const margin = Math.max((LEAST_CELSIUS - (high - low)) / 2, 0.06 * (high - low));
  return [low - margin, high + margin];
}
