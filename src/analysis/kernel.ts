// The only door to the C++ kernel: one typed call per picture, typed arrays in, typed arrays out.
import { createRequire } from "node:module";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { packageRoot } from "../files.ts";
import {
  BIT_DEPTH_SCALINGS,
  type BitDepthScaling,
  JOINT_LINES,
  type JointLine,
  METHODS,
  type Method,
  SAMPLINGS,
  type Sampling,
} from "./method.ts";
import type { Picture } from "./picture.ts";

/** What became of one row. */
export const ROW = { ok: 0, flat: 1, not_converged: 2, nothing_above_threshold: 3 } as const;

export interface KernelRequest {
  /** Gray pixels, row-major, 8 or 16 bit as decoded. */
  readonly pixels: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  /** `image_angle` of the ROI manifest, degrees. */
  readonly angleDegrees: number;
  /** Five numbers per ROI: y, x, height, width (px in the rotated picture), flip (0 or 1). */
  readonly rois: Float64Array;
  readonly method: Method;
  /** Line of the methods `joint` and `tracking`; "fano" when absent. */
  readonly jointLine?: JointLine;
  /** Rows each ROI is reduced to before fitting; 0 fits every pixel row, as `joint` and `tracking` always do. */
  readonly subRois: number;
  readonly sampling: Sampling;
  readonly bitDepthScaling: BitDepthScaling;
  /** What the method `tracking` compares with, and only that one. */
  readonly tracking?: KernelReference;
}

/** The references of all ROIs. Where they grow, the kernel writes into both arrays: sound frames join. */
export interface KernelReference {
  /** ANCHOR_NUMBERS per ROI; the first is the number of frames in the mean, 0 where there is no reference yet. */
  readonly anchors: Float64Array;
  /** Mean of the frames in 256ths of a count, ROI by ROI, row by row; 65535 for a pixel that was cut off. */
  readonly pixels: Uint16Array;
  readonly grow: boolean;
}

/** frames, centre, slope, log width, phase, ratio, and fifteen numbers of what is known of these; see native/tracking.h. */
export const ANCHOR_NUMBERS = 21;

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
  /** Per ROI: share of its pixels at the top of the scale (255; 16 bit: from 4095 * 16 up). */
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
  /** Per ROI 1 where the frame became part of its reference; `tracking` only. */
  readonly joined?: Uint8Array;
}

/** The C++ side: enumerations as their index, in the order of METHODS and so on. */
interface Native {
  measure(
    pixels: Uint8Array | Uint16Array,
    width: number,
    height: number,
    angleDegrees: number,
    rois: Float64Array,
    method: number,
    subRois: number,
    sampling: number,
    bitDepthScaling: number,
    jointLine: number,
    anchors?: Float64Array,
    reference?: Uint16Array,
    grow?: boolean,
  ): KernelAnswer;
  statistics(columns: Float64Array, status: Uint8Array, rowStart: Int32Array, quantities: number): Float64Array;
  medianError(positions: Float64Array, rowErrors: Float64Array, rounding: number, position: number): number;
  robustLine(positions: Float64Array): [start: number, slope: number];
  decodePng(bytes: Uint8Array): Picture | undefined;
  version(): string;
}

let loaded: unknown;

/**
 * Measures every row of every ROI of one picture, synchronously and without copying the picture. What lies outside the
 * picture is black. A row that could not be measured is a status, never an error.
 * Throws TypeError or RangeError for arguments that contradict each other: a wrong number of pixels, an ROI without
 * area, coordinates between pixels with `established` sampling.
 */
export function measure(request: KernelRequest): KernelAnswer {
  return native().measure(
    request.pixels,
    request.width,
    request.height,
    request.angleDegrees,
    request.rois,
    METHODS.indexOf(request.method),
    request.subRois,
    SAMPLINGS.indexOf(request.sampling),
    BIT_DEPTH_SCALINGS.indexOf(request.bitDepthScaling),
    JOINT_LINES.indexOf(request.jointLine ?? "fano"),
    request.tracking?.anchors,
    request.tracking?.pixels,
    request.tracking?.grow,
  );
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

/**
 * px: the standard error of `position`, the median of an ROI's rows; see medianError. `rowErrors` are those of single
 * rows, `rounding` the deviation of a rounded position. Throws RangeError for arrays of different length.
 */
export function medianErrorOfRows(
  positions: Float64Array,
  rowErrors: Float64Array,
  rounding: number,
  position: number,
): number {
  return native().medianError(positions, rowErrors, rounding, position);
}

/** px and px per row: the straight line through rows of which those that are NaN were not measured; see robustLine. */
export function robustLineOfRows(positions: Float64Array): [start: number, slope: number] {
  return native().robustLine(positions);
}

/**
 * The pixels of a plain gray PNG: one channel of 8 or 16 bits, not interlaced, every checksum right, no chunk that
 * changes the meaning of samples. Undefined for any other file, damaged ones among them: a general reader decides.
 */
export function decodePlainPng(bytes: Uint8Array): Picture | undefined {
  return native().decodePng(bytes);
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

/** The compiled kernel, loaded once; only the files that type its calls may ask for it. Failure `internal` without one. */
export function loadKernel(): unknown {
  if (loaded !== undefined) return loaded;
  const path = join(packageRoot(), "build", "Release", "phorest_kernel.node");
  try {
    loaded = createRequire(import.meta.url)(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new Failure("internal", `the C++ kernel ${path} cannot be loaded: ${reason}`, {
      hint: "build it with: npm run install",
      cause,
    });
  }
  return loaded;
}
