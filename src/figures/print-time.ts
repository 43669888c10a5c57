// The time axis of figures for print: the time since the first frame, as in published sensorgrams, or the time of day.
import type { TimeZone } from "../system/time-zone.ts";
import { timeTitle } from "./figure-style.ts";
import { pxOfMm } from "./print-style.ts";
import { timeTicks, vegaLiteTicks } from "./time-ticks.ts";
import type { Limits } from "./trace.ts";

/** The time scale of a figure. */
export interface PrintTime {
  /** Returns the position on the axis. */
  x(timeMs: number): number;
  /** Returns the encoding of field `t` in Vega-Lite; `labelled`: with labels and a title. */
  encoding(labelled: boolean, widthPx: number): object;
}

const UNITS = [
  { unit: "s", ms: 1000, mostMs: 300_000 },
  { unit: "min", ms: 60_000, mostMs: 5 * 3_600_000 },
  { unit: "h", ms: 3_600_000, mostMs: 4 * 86_400_000 },
  { unit: "days", ms: 86_400_000, mostMs: Number.POSITIVE_INFINITY },
] as const;

/** Returns the unit for a length of time. */
export function timeUnit(lengthMs: number): { readonly unit: string; readonly ms: number } {
  return UNITS.find(({ mostMs }) => lengthMs <= mostMs) ?? UNITS[0];
}

/** Returns the axis for `span`, ms; `firstMs` is the time of the first frame. */
export function printTime(
  span: Limits,
  { firstMs, clock, zone }: { readonly firstMs: number; readonly clock: boolean; readonly zone: TimeZone },
): PrintTime {
  const ticks = (widthPx: number) => Math.max(3, Math.round(widthPx / pxOfMm(18)));
  if (clock) {
    const axis = { title: timeTitle(span, zone), labelOverlap: true, labelFlush: false, grid: false };
    return {
      x: (timeMs) => timeMs,
      encoding: (labelled, widthPx) => ({
        field: "t",
        type: "temporal",
        scale: { type: "utc", domain: [...span], nice: false },
        axis: labelled
          ? { ...axis, ...vegaLiteTicks(timeTicks(span, zone, ticks(widthPx))) }
          : { ...axis, title: null, labels: false, ticks: false },
      }),
    };
  }
  const { unit, ms } = timeUnit(span[1] - span[0]);
  const x = (timeMs: number) => (timeMs - firstMs) / ms;
  const axis = { title: `Time since the first frame (${unit})`, grid: false };
  return {
    x,
    encoding: (labelled, widthPx) => ({
      field: "t",
      type: "quantitative",
      scale: { domain: [x(span[0]), x(span[1])], nice: false, zero: false },
      axis: labelled ? { ...axis, tickCount: ticks(widthPx) } : { ...axis, title: null, labels: false, ticks: false },
    }),
  };
}
