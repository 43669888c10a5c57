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

/** `archive`: the last one, whose frames are no longer live. */
export type CommunicatorJob = { readonly archive: number } & (
  | {
      readonly type: "append";
      /** The CSV appender's, as last committed. */
      readonly state: string | undefined;
    }
  | { readonly type: "draw" }
);

export type CommunicatorAnswer =
  | {
      readonly type: "append";
      /** The outcome up to which the CSV is durable, and the appender's state to keep next to it. */
      readonly cursor: number;
      readonly state: string;
      readonly lines: number;
      readonly more: boolean;
    }
  /** `tookMs`: undefined where nothing was drawn, because there is nothing to draw yet or for `failure`. */
  | { readonly type: "draw"; readonly tookMs: number | undefined; readonly failure: FailureData | undefined };
