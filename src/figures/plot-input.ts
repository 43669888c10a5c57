// What a plot is drawn from.
import type { Method } from "../measurement/method.ts";
import type { PanelPlace } from "./chip-layout.ts";

/** One ROI's curve, decimated (see curve.ts): NaN values are gaps, flags other than 0 mark doubtful points. */
export interface PlotSeries {
  readonly label: string;
  /** px; shifts are drawn against it. Undefined where no sound point is known. */
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

/** What a person said of a moment. */
export interface PlotMarker {
  readonly timeMs: number;
  readonly text: string;
}

export interface PlotInput {
  readonly title: string;
  readonly method: Method;
  /** Frames measured. */
  readonly frames: number;
  /** First and last frame, ms since the epoch; undefined before the first. */
  readonly spanMs: readonly [number, number] | undefined;
  readonly series: readonly PlotSeries[];
  readonly temperatures: readonly TemperatureSeries[];
  /** Of the times that are written; absent: UTC. */
  readonly timeZone?: string;
  /** The baseline, for people; absent before it is known. */
  readonly baseline?: string;
  /** In order of time. */
  readonly markers?: readonly PlotMarker[];
  /** Of the vertical axis, px; absent: what the curves need. */
  readonly limits?: readonly [number, number];
  /** Where each ROI's panel is; a plain grid where it is absent. */
  readonly layout?: readonly PanelPlace[];
}
