// What the server tells the page of the images. Times are ms since 1970.
import type { HistogramBar, IntervalSummary } from "../assay/intervals.ts";
import type { Displacement } from "../measurement/displacement.ts";

export interface FrameView {
  readonly entryId: number;
  readonly filename: string;
  readonly capturedAt: number;
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** Pixels in each of 256 equal parts of the scale. */
  readonly histogram: readonly number[];
  /** Share of the pixels at the top of the camera's scale. */
  readonly saturated: number;
  /** Mean over the full scale, 0 to 1. */
  readonly brightness: number;
  /** Variance of the Laplacian as `phorest preview` shows it, counts² of 8 bits: compare frames of one exposure, higher is sharper. */
  readonly focus: number;
  readonly tilePx: number;
  /** Level n has 1/2^n of the pixels on each side; this is the smallest. */
  readonly levels: number;
}

export interface FrameTimeView {
  readonly entryId: number;
  readonly capturedAt: number;
}

/** The frames that images can be chosen from, and the time resolution. */
export interface FramesView {
  /** In order of their numbers, about a thousand of them at most. */
  readonly frames: readonly FrameTimeView[];
  /** Between neighbouring frames, all of them; undefined for fewer than two frames. */
  readonly intervals: (IntervalSummary & { readonly bars: readonly HistogramBar[] }) | undefined;
}

/** The second image minus the first. */
export interface DifferenceView {
  readonly a: FrameTimeView;
  readonly b: FrameTimeView;
  readonly width: number;
  readonly height: number;
  /** What the second was multiplied by, so that both are equally bright. */
  readonly gain: number;
  /** The difference of the strongest colour, counts of the first. */
  readonly fullScale: number;
  /** Undefined where nothing in the images is alike. */
  readonly moved: Displacement | undefined;
}

/** One ROI in several frames: the mean of its rows, counts of the image. */
export interface ProfilesView {
  readonly label: string;
  readonly profiles: readonly (FrameTimeView & { readonly profile: readonly number[] })[];
}

export interface ProfileView {
  readonly label: string;
  readonly entryId: number;
  /** Mean over the ROI's rows, 8-bit counts, from the ROI's left edge after flipping. */
  readonly profile: readonly number[];
  /** The method's line fitted to that mean row; absent for methods without one, and where it did not converge. */
  readonly fit: readonly number[] | undefined;
  readonly line: string | undefined;
  /** As stored for the frame, px. */
  readonly position: number | null;
  readonly standardError: number | null;
}
