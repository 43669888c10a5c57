// The only door to the C++ kernel: one typed call per picture, typed arrays in, typed arrays out.

import { decodeDepth, depthBefore, encodeDepth } from "../image/bit-depth.ts";
import type { Depth, DepthKnowledge } from "../measurement/depth.ts";
import {
  BIT_DEPTH_SCALINGS,
  type BitDepthScaling,
  JOINT_LINES,
  type JointLine,
  METHODS,
  type Method,
  SAMPLINGS,
  type Sampling,
} from "../measurement/method.ts";
import { loadKernel } from "../native/kernel-binding.ts";

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

/** The C++ side: enumerations as their index, in the order of METHODS and so on. */
interface Native {
  measure(
    pixels: Uint8Array | Uint16Array,
    width: number,
    height: number,
    angleDegrees: number,
    rois: Float64Array,
    subRois: number,
    sampling: number,
    bitDepthScaling: number,
    tasks: readonly NativeTask[],
    depth: Int32Array,
    darkLevel: number,
  ): NativeAnswer[];
  statistics(columns: Float64Array, status: Uint8Array, rowStart: Int32Array, quantities: number): Float64Array;
  summaries(
    columns: Float64Array,
    status: Uint8Array,
    rowStart: Int32Array,
    quantities: number,
    standardError: Float64Array,
    explained: Float64Array,
    peakToNoise: Float64Array,
    positionColumn: number,
    widthColumn: number,
    rounding: number,
  ): Float64Array;
  robustLine(positions: Float64Array): [start: number, slope: number];
  version(): string;
}

type NativeAnswer = Omit<KernelAnswer, "depth"> & { readonly depth: Int32Array };

interface NativeTask {
  readonly method: number;
  readonly jointLine: number;
  readonly lines?: Uint8Array;
  readonly findsForms?: boolean;
  readonly anchors?: Float64Array;
  readonly reference?: Uint16Array;
  readonly grow?: boolean;
}

/**
 * Measures every row of every ROI of one picture, synchronously and without copying the picture. What lies outside the
 * picture is black. A row that could not be measured is a status, never an error.
 * Throws TypeError or RangeError for arguments that contradict each other: a wrong number of pixels, an ROI without
 * area, coordinates between pixels with `established` sampling.
 */
export function measure(request: KernelRequest): KernelAnswer {
  return measureTogether(request, [request])[0] as KernelAnswer;
}

/** The same by several methods, one answer each; the picture is counted, and its ROIs are sampled, once for all of them. */
export function measureTogether(picture: KernelPicture, tasks: readonly KernelTask[]): KernelAnswer[] {
  const { depth = depthBefore(0) } = picture;
  const answers = native().measure(
    picture.pixels,
    picture.width,
    picture.height,
    picture.angleDegrees,
    picture.rois,
    picture.subRois,
    SAMPLINGS.indexOf(picture.sampling),
    BIT_DEPTH_SCALINGS.indexOf(picture.bitDepthScaling),
    tasks.map(({ method, jointLine = "fano", lines, tracking, findsForms = false }) => ({
      method: METHODS.indexOf(method),
      jointLine: JOINT_LINES.indexOf(jointLine),
      ...(lines === undefined ? {} : { lines }),
      ...(findsForms ? { findsForms } : {}),
      ...(tracking === undefined ? {} : { anchors: tracking.anchors, reference: tracking.pixels, grow: tracking.grow }),
    })),
    encodeDepth(depth),
    picture.darkLevel ?? Number.NaN,
  );
  return answers.map((answer) => ({ ...answer, depth: decodeDepth(answer.depth, depth.bits) }));
}

/** Rows of all ROIs: the part of a KernelAnswer that statistics are made of. */
export type MeasuredRows = Pick<KernelAnswer, "columns" | "status" | "rowStart">;

/**
 * STATISTICS over the measured rows of each ROI, [roi][quantity][statistic], number for number as numpy gives them: three
 * decimals, halves to even; NaN where no row was measured. Smoothness is the deviation of successive differences over
 * the rounded Max minus the rounded Min, 0 where that vanishes. Throws TypeError or RangeError for arrays that do not
 * belong together.
 */
export function rowStatistics({ columns, status, rowStart }: MeasuredRows, quantities: number): Float64Array {
  return native().statistics(columns, status, rowStart, quantities);
}

/** What the rows of one ROI say together; px unless said otherwise, NaN where nothing is known. */
export interface RowSummary {
  /** Median of the measured rows. */
  readonly position: number;
  /**
   * Of that median: from the rows' own scatter about a straight (tilted) line. Rows are correlated where speckle grains
   * span several of them, which leaves fewer independent ones; of fewer than five rows, from the errors of single rows.
   */
  readonly standardError: number;
  /** Share of the rows that were measured. */
  readonly measured: number;
  /** Share of their variance that the model explains, median. */
  readonly explained: number;
  /** Width of the fitted line (sigma or gamma), median; NaN where there is no fit. */
  readonly lineWidth: number;
  /** Peak height over noise, median over all rows, those that were not measured too. */
  readonly contrast: number;
  /** Standard error of a single row, median. */
  readonly rowError: number;
}
const SUMMARY_NUMBERS = 7;

/** The rows of a KernelAnswer, and what summaries need to know of its method. */
export interface SummaryRequest {
  readonly rows: MeasuredRows & Pick<KernelAnswer, "standardError" | "explained" | "peakToNoise">;
  readonly quantities: number;
  readonly positionColumn: number;
  /** Absent where nothing is fitted. */
  readonly widthColumn?: number | undefined;
  /** px: deviation of positions that were rounded, 0 where none was. */
  readonly rounding: number;
}

/** The summary of each ROI's rows. Throws TypeError or RangeError for arrays that do not belong together. */
export function summariseRows(request: SummaryRequest): RowSummary[] {
  const { rows, quantities, positionColumn, widthColumn = -1, rounding } = request;
  const { columns, status, rowStart, standardError, explained, peakToNoise } = rows;
  const numbers = native().summaries(
    columns,
    status,
    rowStart,
    quantities,
    standardError,
    explained,
    peakToNoise,
    positionColumn,
    widthColumn,
    rounding,
  );
  const number = (at: number) => numbers[at] as number;
  return Array.from({ length: numbers.length / SUMMARY_NUMBERS }, (_, roi) => {
    const at = roi * SUMMARY_NUMBERS;
    return {
      position: number(at),
      standardError: number(at + 1),
      measured: number(at + 2),
      explained: number(at + 3),
      lineWidth: number(at + 4),
      contrast: number(at + 5),
      rowError: number(at + 6),
    };
  });
}

/**
 * px and px per row: the straight line through rows of which those that are NaN were not measured, by least squares with
 * Huber's weights from a robust start.
 */
export function robustLineOfRows(positions: Float64Array): [start: number, slope: number] {
  return native().robustLine(positions);
}

/**
 * The kernel's number, raised whenever its results change. The vector unit is no part of it: results agree across units
 * far below the standard error, and an experiment moved to another processor goes on with the same analysis.
 */
export function kernelVersion(): string {
  return native().version().split("/", 1)[0] ?? "";
}

/** The vector unit the kernel runs on here: "avx512", "avx2" or "baseline". */
export function vectorUnit(): string {
  return native().version().split("/")[1] ?? "";
}

function native(): Native {
  return loadKernel() as Native;
}
