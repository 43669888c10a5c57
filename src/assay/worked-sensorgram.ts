// What is computed from the positions of a curve, and of the mean of a group: shifts, references, RIU, and their errors.
import type { TimeWindow } from "../measurement/time-window.ts";
import type { Precision, Sensitivity } from "./precision.ts";

/** A curve with everything derived from it; arrays of equal length, one element per frame in order of capture. */
export interface WorkedSensorgram {
  /** Label of the ROI, or with pairs of the grating. */
  readonly label: string;
  /** Line shape of its ROIs, with "|" between those of a pair if they differ; undefined if unknown. */
  readonly line: string | undefined;
  readonly reference: boolean;
  readonly entryId: Float64Array;
  readonly timesUs: Float64Array;
  /** Position, px; with pairs the mean of the halves. */
  readonly position: Float64Array;
  /** px. */
  readonly standardError: Float64Array;
  readonly flags: Uint8Array;
  /** Shift from the baseline, px. */
  readonly shift: Float64Array;
  /** Movement of the chip along the rows since the baseline, px; pairs only. */
  readonly movement: Float64Array | undefined;
  /** The shift minus that of the references. */
  readonly referenced: Float64Array | undefined;
  readonly doubleReferenced: Float64Array | undefined;
  /** The most processed of shift, referenced and doubleReferenced. */
  readonly result: Float64Array;
  readonly smoothed: Float64Array | undefined;
  readonly riu: Float64Array | undefined;
  /** Of this curve: with the sum of two halves, of the sum. Undefined: unknown. */
  readonly sensitivity: Sensitivity | undefined;
  /** Standard errors of each of these, in its unit. */
  readonly errors: DerivedErrors;
  /** Standard error of each frame of the result, without what all frames share (the levels of baselines), px. */
  readonly frameErrors: Float64Array;
  /** The baseline, and the numbers of its points that are used and left out. */
  readonly baseline: TimeWindow & { readonly levelPx: number; readonly points: number; readonly excluded: number };
  /** Precision of the result in the baseline, px. */
  readonly precision: Precision;
}

/**
 * Standard errors of the values derived from a curve, by frame; NaN if a position used has none. A smooth curve through
 * double-referenced points has none, because their errors are not independent.
 */
export type DerivedErrors = Pick<
  WorkedSensorgram,
  "shift" | "movement" | "referenced" | "doubleReferenced" | "result" | "smoothed" | "riu"
>;

/** The mean of a group's curves, by frame. */
export interface GroupCurve
  extends Pick<
    WorkedSensorgram,
    "label" | "timesUs" | "shift" | "referenced" | "doubleReferenced" | "result" | "riu" | "sensitivity" | "flags"
  > {
  readonly members: number;
  readonly errors: Pick<DerivedErrors, "shift" | "referenced" | "result" | "riu">;
}

/** The precision of the mean of a group's curves. */
export interface GroupPrecision {
  readonly group: string;
  readonly members: number;
  readonly precision: Precision;
  readonly sensitivity: Sensitivity | undefined;
}
