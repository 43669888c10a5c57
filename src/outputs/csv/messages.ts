// Settings, jobs and answers of the communicator's thread. Plain data only.
import type { FailureData } from "../../failure/failure.ts";

/** Settings and jobs of the communicator's thread. */
export interface CommunicatorSettings {
  readonly manifestFile: string;
  readonly resultsDir: string;
  readonly plotTitle: string;
  /** Analysis.baseline_seconds. */
  readonly baselineSeconds: number;
  /** Of the plot. */
  readonly timeZone: string;
  /** Labels or globs of the ROIs to draw; empty: all. */
  readonly plotRois: readonly string[];
}

/** `state`: the CSV appender's, as last committed. `archive`: the last one, whose frames are no longer live. */
export type CommunicatorJob = {
  readonly type: "report";
  readonly plot: boolean;
  readonly state: string | undefined;
  readonly archive: number;
};

export interface CommunicatorAnswer {
  /** The outcome up to which the CSV is durable, and the appender's state to keep next to it; undefined: nothing new. */
  readonly delivered: { readonly cursor: number; readonly state: string } | undefined;
  readonly lines: number;
  readonly plotMs: number | undefined;
  readonly more: boolean;
  /** A plot that could not be drawn never holds up the CSV; it is reported next to it. */
  readonly plotFailure: FailureData | undefined;
}
