// The types that the server sends to the page about images. Times are ms since 1970.
import type { HistogramBar, IntervalSummary } from "../assay/intervals.ts";
import type { Displacement } from "../measurement/displacement.ts";

export interface FrameView {
  readonly entryId: number;
  readonly filename: string;
  readonly capturedAt: number;
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** Number of pixels in each of 256 equal parts of the scale. */
  readonly histogram: readonly number[];
  /** Share of pixels at the camera's full scale. */
  readonly saturated: number;
  /** Mean relative to the full scale, 0 to 1. */
  readonly brightness: number;
  /**
   * Variance of the Laplacian as in `phorest preview`, counts² of 8 bits: higher is sharper. Compare only frames with the same
   * exposure.
   */
  readonly focus: number;
  readonly tilePx: number;
  /** Number of levels. Level n has 1/2^n of the pixels on each side; the last is the smallest. */
  readonly levels: number;
}

export interface FrameTimeView {
  readonly entryId: number;
  readonly capturedAt: number;
}

/** The frames whose images can be selected, and the time resolution. */
export interface FramesView {
  /** In order of their numbers, at most about a thousand. */
  readonly frames: readonly FrameTimeView[];
  /** Intervals between all neighbouring frames; undefined for fewer than two frames. */
  readonly intervals: (IntervalSummary & { readonly bars: readonly HistogramBar[] }) | undefined;
}

/** The second image minus the first. */
export interface DifferenceView {
  readonly a: FrameTimeView;
  readonly b: FrameTimeView;
  readonly width: number;
  readonly height: number;
  /** Factor applied to the second image so that both are equally bright. */
  readonly gain: number;
  /** Difference that gets the strongest colour, counts of the first image. */
  readonly fullScale: number;
  /** Undefined if nothing in the images matches. */
  readonly moved: Displacement | undefined;
}

/** One ROI in several frames: the mean of its rows, in counts of the image. */
export interface ProfilesView {
  readonly label: string;
  readonly profiles: readonly (FrameTimeView & { readonly profile: readonly number[] })[];
}

export interface ProfileView {
  readonly label: string;
  readonly entryId: number;
  /** Mean over the ROI's rows, 8-bit counts, from the ROI's left edge after flipping. */
  readonly profile: readonly number[];
  /** The method's line fitted to that mean row; absent for methods without one, and if the fit did not converge. */
  readonly fit: readonly number[] | undefined;
  readonly line: string | undefined;
  /** Position stored for the frame, px. */
  readonly position: number | null;
  readonly standardError: number | null;
}
