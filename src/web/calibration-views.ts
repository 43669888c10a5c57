// The types that the server sends to the page about a calibration. Times are ms since 1970.
import type { CalibrationSummary } from "../calibration/report.ts";
import type { Roi } from "../measurement/roi.ts";
import type { FrameView } from "./picture-views.ts";

/** The position of the chip in a picture. */
export interface CalibrationFound {
  readonly summary: CalibrationSummary;
  /** Degrees; ROIs and labels are coordinates in the picture rotated by its negative. */
  readonly imageAngle: number;
  readonly rois: readonly Roi[];
  /** The printed labels in view. */
  readonly labels: readonly Roi[];
}

export interface CalibrationView {
  /** Number of the picture; 0 before the first. */
  readonly id: number;
  /** Name of the picture, for display. */
  readonly name: string;
  readonly state: "none" | "receiving" | "searching" | "found" | "doubt" | "failed" | "writing" | "accepted";
  /** Why the result is doubtful or failed, or the files that were written. */
  readonly message: string;
  /** A warning to read before accepting; empty if there is none. */
  readonly warning: string;
  readonly picture: FrameView | undefined;
  /** Number of the image in its file, from 1, and the number of images in the file; both 0 before the first picture. */
  readonly page: number;
  readonly pages: number;
  readonly found: CalibrationFound | undefined;
  /** Largest accepted picture, bytes. */
  readonly largestBytes: number;
}

/** The labels that can be named manually in a picture. */
export interface ChipLabelsView {
  readonly type: string;
  readonly printed: readonly string[];
  readonly gratings: readonly string[];
}
