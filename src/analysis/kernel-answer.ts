// Types of the input and output of a kernel call: plain data in typed arrays.

import type { Depth, DepthKnowledge } from "../measurement/depth.ts";
import type { BitDepthScaling, JointLine, Method, Sampling } from "../measurement/method.ts";

/** Status of a row. */
export const ROW = { ok: 0, flat: 1, not_converged: 2, nothing_above_threshold: 3 } as const;

/** A picture, and where and how to sample it. */
export interface KernelPicture {
  /** Gray pixels, row-major, 8 or 16 bit as decoded. */
  readonly pixels: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  /** `image_angle` of the ROI manifest, degrees. */
  readonly angleDegrees: number;
  /** Five numbers per ROI: y, x, height, width (px in the rotated picture), flip (0 or 1). */
  readonly rois: Float64Array;
  /** Number of rows that each ROI is reduced to before fitting; 0 fits every pixel row, as `joint` and `tracking` always do. */
  readonly subRois: number;
  readonly sampling: Sampling;
  readonly bitDepthScaling: BitDepthScaling;
  /** What is known about the full scale of a 16-bit picture; nothing if absent. */
  readonly depth?: DepthKnowledge;
  /** Value of a pixel without light, in the picture's own counts; unknown if absent. Only `tracking` uses it. */
  readonly darkLevel?: number;
}

/** One of the methods to measure a picture with. */
export interface KernelTask {
  readonly method: Method;
  /** Line shape of the methods `joint` and `tracking`; "fano" if absent. "auto" chooses one for each ROI. */
  readonly jointLine?: JointLine;
  /** Line that "auto" chose before, by ROI: 1 + its index in LINES, 0 if none has been chosen. */
  readonly lines?: Uint8Array;
  /** The reference of the method `tracking`; unused by other methods. */
  readonly tracking?: KernelReference;
  /** Method `fano` only: find the form of each line that the established system reports. Takes about 0.1 ms per row. */
  readonly findsForms?: boolean;
}

export interface KernelRequest extends KernelPicture, KernelTask {}

/** The references of all ROIs. While they grow, the kernel adds good frames by writing into both arrays. */
export interface KernelReference {
  /** ANCHOR_NUMBERS per ROI; the first is the number of frames in the mean, 0 if there is no reference yet. */
  readonly anchors: Float64Array;
  /** Mean of the frames in 256ths of a count, ROI by ROI, row by row; 65535 for a saturated pixel. */
  readonly pixels: Uint16Array;
  readonly grow: boolean;
}

/** The number of frames in the mean, then values about the line and the camera; see Anchor in native/tracking.h. */
export const ANCHOR_NUMBERS = 31;

/**
 * What `tracking` reports about an ROI, as bits: a joint fit was used instead, or something other than the position has
 * changed.
 */
export const TRACKING_NOTES = { fellBack: 1, changed: 2 } as const;

/**
 * How the established form of a Fano line differs from ours (amplitude >= 0, gamma > 0), as bits: replaced by (-amplitude q²,
 * -1/q, offset + amplitude (1 + q²)), then gamma and q with the opposite sign.
 */
export const FANO_FORM = { exchanged: 1, negativeGamma: 2 } as const;

export interface KernelAnswer {
  /** Rows rowStart[i] to rowStart[i + 1] belong to ROI i; `joint` and `tracking` return one row per ROI. */
  readonly rowStart: Int32Array;
  /** [row][quantity] in the order of QUANTITIES; NaN if the row was not measured. */
  readonly columns: Float64Array;
  /**
   * Standard error of each row, px; NaN if the row was not measured. Line fits: from the covariance at the optimum, increased
   * by the square root of `residualDistancePx`. centre: the propagated noise of one sample. max_intensity: a uniform
   * distribution over the samples within two noise widths of the maximum.
   */
  readonly standardError: Float64Array;
  /**
   * Share of the row's variance that the model explains, 0 to 1. max_intensity and centre have no model: the share that is not
   * noise between neighbouring samples.
   */
  readonly explained: Float64Array;
  /** ROW codes. */
  readonly status: Uint8Array;
  /** Share of each ROI's pixels at full scale (255; 16 bit: as `depth` says). */
  readonly saturated: Float64Array;
  /**
   * Ratio of peak height to noise of each row (robust, from successive differences). The height of a fitted line is from its
   * lowest to its highest value; for max_intensity and centre it is the maximum above the row's mean.
   */
  readonly peakToNoise: Float64Array;
  /**
   * Number of samples of the fit's residual that count as one independent sample, by ROI: the area under its autocorrelation,
   * averaged over the rows; 1 for uncorrelated noise, and for max_intensity and centre.
   */
  readonly residualDistancePx: Float64Array;
  readonly brightness: number;
  readonly contrast: number;
  /** Full scale of the picture. */
  readonly depth: Depth;
  /** Line that each ROI was measured with: 1 + its index in LINES. `joint` and `tracking` only. */
  readonly lines?: Uint8Array;
  /**
   * [roi][LINES]: twice the negative log-likelihood of each line, relative to the most likely one; infinite if the line does
   * not fit, NaN if nothing was chosen. `joint` and `tracking` only.
   */
  readonly lineScores?: Float64Array;
  /** Lorentzian share of a Voigt line, by ROI; NaN for other lines. `joint` only. */
  readonly lineShare?: Float64Array;
  /** 1 for each ROI whose reference the frame became part of; `tracking` only. */
  readonly joined?: Uint8Array;
  /** TRACKING_NOTES of each ROI; `tracking` only. */
  readonly doubts?: Uint8Array;
  /** FANO_FORM of each row: how the established form differs from that of `columns`. Only if `findsForms` is set. */
  readonly forms?: Uint8Array;
}

/** Rows of all ROIs: the part of a KernelAnswer that statistics are computed from. */
export type MeasuredRows = Pick<KernelAnswer, "columns" | "status" | "rowStart">;
