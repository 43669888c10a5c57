// What goes into a kernel call and what comes out of it: plain data in typed arrays.

import type { Depth, DepthKnowledge } from "../measurement/depth.ts";
import type { BitDepthScaling, JointLine, Method, Sampling } from "../measurement/method.ts";

/** What became of one row. */
export const ROW = { ok: 0, flat: 1, not_converged: 2, nothing_above_threshold: 3 } as const;

/** A picture, and where and how it is sampled. */
export interface KernelPicture {
  /** Gray pixels, row-major, 8 or 16 bit as decoded. */
  readonly pixels: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  /** `image_angle` of the ROI manifest, degrees. */
  readonly angleDegrees: number;
  /** Five numbers per ROI: y, x, height, width (px in the rotated picture), flip (0 or 1). */
  readonly rois: Float64Array;
  /** Rows each ROI is reduced to before fitting; 0 fits every pixel row, as `joint` and `tracking` always do. */
  readonly subRois: number;
  readonly sampling: Sampling;
  readonly bitDepthScaling: BitDepthScaling;
  /** What is known of where the scale of a 16-bit picture ends; nothing when absent. */
  readonly depth?: DepthKnowledge;
  /** Value of a pixel without light, in the picture's own counts; unknown when absent. Only `tracking` looks at it. */
  readonly darkLevel?: number;
}

/** One method of those that measure a picture. */
export interface KernelTask {
  readonly method: Method;
  /** Line of the methods `joint` and `tracking`; "fano" when absent. "auto" chooses one for each ROI. */
  readonly jointLine?: JointLine;
  /** Per ROI the line that "auto" chose before: 1 + its index in LINES, 0 where none has been chosen. */
  readonly lines?: Uint8Array;
  /** What the method `tracking` compares with, and only that one. */
  readonly tracking?: KernelReference;
  /** Method `fano` only: find which form of each line the established system reports. Takes about 0.1 ms a row. */
  readonly findsForms?: boolean;
}

export interface KernelRequest extends KernelPicture, KernelTask {}

/** The references of all ROIs. Where they grow, the kernel writes into both arrays: sound frames join. */
export interface KernelReference {
  /** ANCHOR_NUMBERS per ROI; the first is the number of frames in the mean, 0 where there is no reference yet. */
  readonly anchors: Float64Array;
  /** Mean of the frames in 256ths of a count, ROI by ROI, row by row; 65535 for a pixel that was cut off. */
  readonly pixels: Uint16Array;
  readonly grow: boolean;
}

/** Frames in the mean, then the line and what is known of it and of the camera; see Anchor in native/tracking.h. */
export const ANCHOR_NUMBERS = 31;

/** What `tracking` doubts of an ROI, as bits: a joint fit had to do, or something else than the position has changed. */
export const TRACKING_NOTES = { fellBack: 1, changed: 2 } as const;

/**
 * How the established form of a Fano line differs from ours (amplitude >= 0, gamma > 0), as bits: exchanged for
 * (-amplitude q², -1/q, offset + amplitude (1 + q²)), then gamma and q with the other sign.
 */
export const FANO_FORM = { exchanged: 1, negativeGamma: 2 } as const;

export interface KernelAnswer {
  /** ROI i owns rows rowStart[i] to rowStart[i + 1]; `joint` and `tracking` answer with one row per ROI. */
  readonly rowStart: Int32Array;
  /** [row][quantity] in the order of QUANTITIES, NaN where the row was not measured. */
  readonly columns: Float64Array;
  /**
   * px per row; NaN where the row was not measured. Line fits: from the covariance at the optimum, widened by the root of
   * `residualDistancePx`. centre: the noise of one sample propagated. max_intensity: a uniform distribution over the
   * samples within two noise widths of the maximum.
   */
  readonly standardError: Float64Array;
  /**
   * Share of the row's variance that the model explains, 0 to 1; max_intensity and centre, which have no model: the
   * share that is not noise between neighbouring samples.
   */
  readonly explained: Float64Array;
  /** ROW codes. */
  readonly status: Uint8Array;
  /** Per ROI: share of its pixels at the top of the scale (255; 16 bit: as `depth` says). */
  readonly saturated: Float64Array;
  /**
   * Per row: peak height over the row's noise (robust, from successive differences). Height of a fitted line from its
   * lowest to its highest value; max_intensity and centre: of the maximum above the row's mean.
   */
  readonly peakToNoise: Float64Array;
  /**
   * Per ROI: samples that count as one independent sample of the fit's residual, the area under its autocorrelation
   * averaged over the rows; 1 for uncorrelated noise, and for max_intensity and centre.
   */
  readonly residualDistancePx: Float64Array;
  readonly brightness: number;
  readonly contrast: number;
  /** Where the picture's scale ends. */
  readonly depth: Depth;
  /** Per ROI what it was measured with: 1 + the line's index in LINES. `joint` and `tracking` only. */
  readonly lines?: Uint8Array;
  /**
   * [roi][LINES]: twice the negative logarithm of each line's likelihood, above that of the likeliest one; infinite where
   * the line does not fit, NaN where nothing was chosen. `joint` and `tracking` only.
   */
  readonly lineScores?: Float64Array;
  /** Per ROI the Lorentzian's share of a Voigt line, NaN for other lines. `joint` only. */
  readonly lineShare?: Float64Array;
  /** Per ROI 1 where the frame became part of its reference; `tracking` only. */
  readonly joined?: Uint8Array;
  /** Per ROI TRACKING_NOTES; `tracking` only. */
  readonly doubts?: Uint8Array;
  /** Per row FANO_FORM: how the established form differs from that of `columns`. Only where `findsForms` asks for it. */
  readonly forms?: Uint8Array;
}

/** Rows of all ROIs: the part of a KernelAnswer that statistics are made of. */
export type MeasuredRows = Pick<KernelAnswer, "columns" | "status" | "rowStart">;
