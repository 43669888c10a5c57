// What the server tells the page of a calibration. Times are ms since 1970.
import type { CalibrationSummary } from "../calibration/report.ts";
import type { Roi } from "../measurement/roi.ts";
import type { FrameView } from "./picture-views.ts";

/** Where the chip was found in a picture. */
export interface CalibrationFound {
  readonly summary: CalibrationSummary;
  /** Degrees; ROIs and labels are in the picture turned by its negative. */
  readonly imageAngle: number;
  readonly rois: readonly Roi[];
  /** The printed labels in view. */
  readonly labels: readonly Roi[];
}

export interface CalibrationView {
  /** Of the picture; 0 before the first. */
  readonly id: number;
  /** Of the picture, for people. */
  readonly name: string;
  readonly state: "none" | "receiving" | "searching" | "found" | "doubt" | "failed" | "writing" | "accepted";
  /** Why it is in doubt or failed; the files that were written. */
  readonly message: string;
  /** What a person should know before accepting; empty for nothing. */
  readonly warning: string;
  readonly picture: FrameView | undefined;
  /** Which image of its file the picture is, from 1, and how many the file has; 0 and 0 before the first picture. */
  readonly page: number;
  readonly pages: number;
  readonly found: CalibrationFound | undefined;
  /** Largest picture that is taken, bytes. */
  readonly largestBytes: number;
}

/** What can be named in a picture by hand. */
export interface ChipLabelsView {
  readonly type: string;
  readonly printed: readonly string[];
  readonly gratings: readonly string[];
}
