// Settings, jobs and answers of the communicator's thread. Plain data only.
import type { FailureData } from "../../failure/failure.ts";

/** Settings and jobs of the communicator's thread. */
export interface CommunicatorSettings {
  readonly manifestFile: string;
  readonly resultsDir: string;
  readonly plotTitle: string;
  /** Value of Analysis.baseline_seconds. */
  readonly baselineSeconds: number;
  /** Time zone of the plot. */
  readonly timeZone: string;
  /** Labels or globs of the ROIs to draw; empty: all. */
  readonly plotRois: readonly string[];
}

/** `archive`: the last archive, whose frames are no longer live. */
export type CommunicatorJob = { readonly archive: number } & (
  | {
      readonly type: "append";
      /** The state of the CSV file, as last committed. */
      readonly state: string | undefined;
    }
  | { readonly type: "draw" }
);

export type CommunicatorAnswer =
  | {
      readonly type: "append";
      /** The outcome up to which the CSV is durable, and the file's state to store with it. */
      readonly cursor: number;
      readonly state: string;
      readonly lines: number;
      readonly more: boolean;
    }
  /** `tookMs`: undefined if nothing was drawn, because there is nothing to draw yet or because of `failure`. */
  | { readonly type: "draw"; readonly tookMs: number | undefined; readonly failure: FailureData | undefined };
