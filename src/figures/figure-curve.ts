// Prepares a curve for a printed figure.
import { medianOf } from "../measurement/statistics.ts";
import type { PlotSeries } from "./plot-input.ts";
import { type Limits, robustLimits } from "./trace.ts";

export interface FigureCurve {
  readonly label: string;
  readonly timesUs: Float64Array;
  /** Values, px; NaN if nothing was measured. */
  readonly values: Float64Array;
  /** Flags other than 0 mark doubtful points. */
  readonly flags: Uint8Array;
}

/** A pause longer than this many usual intervals is a gap. */
const GAP_INTERVALS = 3;

/** Returns the curve for drawing: times in ms, with a NaN in each pause, so that no line crosses it. */
export function drawnSeries({ label, timesUs, values, flags }: FigureCurve): PlotSeries {
  const steps = timesUs.map((timeUs, at) => (at === 0 ? Number.NaN : timeUs - (timesUs[at - 1] as number)));
  const gap = GAP_INTERVALS * medianOf(steps);
  const [timesMs, drawn, drawnFlags]: [number[], number[], number[]] = [[], [], []];
  timesUs.forEach((timeUs, at) => {
    if ((steps[at] as number) > gap) {
      timesMs.push((timesUs[at - 1] as number) / 1000);
      drawn.push(Number.NaN);
      drawnFlags.push(0);
    }
    timesMs.push(timeUs / 1000);
    drawn.push(values[at] as number);
    drawnFlags.push(flags[at] as number);
  });
  return {
    label,
    baselinePx: 0,
    timesMs: Float64Array.from(timesMs),
    values: Float64Array.from(drawn),
    flags: Uint8Array.from(drawnFlags),
  };
}

/** Returns limits of the vertical axis that include all valid values except outliers. */
export function limitsOf(series: readonly PlotSeries[]): Limits {
  return robustLimits(series, () => 0) ?? [-1, 1];
}
