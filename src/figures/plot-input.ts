// The input of a plot.
import type { Method } from "../measurement/method.ts";
import type { PanelPlace } from "./chip-layout.ts";

/** One ROI's curve, decimated (see curve.ts): NaN values are gaps, flags other than 0 mark doubtful points. */
export interface PlotSeries {
  readonly label: string;
  /** Baseline, px; shifts are drawn relative to it. Undefined if no valid point is known. */
  readonly baselinePx: number | undefined;
  readonly timesMs: Float64Array;
  /** px */
  readonly values: Float64Array;
  readonly flags: Uint8Array;
}

export interface TemperatureSeries {
  readonly sensor: string;
  readonly timesMs: Float64Array;
  /** °C */
  readonly values: Float64Array;
}

/** A marker: what the user noted about a time. */
export interface PlotMarker {
  readonly timeMs: number;
  readonly text: string;
}

export interface PlotInput {
  readonly title: string;
  readonly method: Method;
  /** Number of measured frames. */
  readonly frames: number;
  /** First and last frame, ms since the epoch; undefined before the first. */
  readonly spanMs: readonly [number, number] | undefined;
  readonly series: readonly PlotSeries[];
  readonly temperatures: readonly TemperatureSeries[];
  /** Time zone of displayed times; absent: UTC. */
  readonly timeZone?: string;
  /** The baseline as text; absent before it is known. */
  readonly baseline?: string;
  /** In order of time. */
  readonly markers?: readonly PlotMarker[];
  /** Limits of the vertical axis, px; absent: the range of the curves. */
  readonly limits?: readonly [number, number];
  /** Position of each ROI's panel; a plain grid if absent. */
  readonly layout?: readonly PanelPlace[];
}
