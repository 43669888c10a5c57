// One picture and one ROI manifest in, one result per ROI out: asks the kernel once, turns its rows into the
// established statistics, a position and the doubt about it. No files, no threads.
import { Failure } from "../failure.ts";
import { type RowEvidence, weigh } from "./doubt.ts";
import { type Displacement, followChip } from "./drift.ts";
import { type KernelAnswer, type KernelReference, type KernelRequest, measure, ROW, rowStatistics } from "./kernel.ts";
import {
  type BitDepthScaling,
  type FrameResult,
  type JointLine,
  type Method,
  POSITION_COLUMN,
  QUANTITIES,
  type Sampling,
  WIDTH_COLUMN,
} from "./method.ts";
import type { Picture } from "./picture.ts";
import type { Roi, RoiManifest } from "./roi.ts";
import { medianOf, roundHalfEven } from "./statistics.ts";

export interface AnalysisSettings {
  readonly method: Method;
  /** Line of the methods `joint` and `tracking`, and only there; "fano" when absent. */
  readonly jointLine?: JointLine;
  /** Frames in the mean that `tracking` compares with, and only there. */
  readonly referenceFrames?: number;
  /** Rows each ROI is reduced to before fitting; 0 fits every pixel row, as `joint` and `tracking` always do. */
  readonly subRois: number;
  readonly sampling: Sampling;
  readonly bitDepthScaling: BitDepthScaling;
  /** Keep the value of every measured row. */
  readonly debug: boolean;
  /** ROIs follow the chip's movement in the picture. Absent where they do not, so that settings without it stay the same. */
  readonly trackDrift?: true;
}

/** What a method may look at besides the pixels. */
export interface MethodOptions {
  readonly subRois: number;
  readonly jointLine: JointLine;
  readonly referenceFrames: number;
}

/** The part of the settings that depends on the method: what a method does not look at must not tell analyses apart. */
export function methodSettings(
  method: Method,
  { subRois, jointLine, referenceFrames }: MethodOptions,
): Pick<AnalysisSettings, "method" | "subRois" | "jointLine" | "referenceFrames"> {
  if (method === "tracking") return { method, jointLine, referenceFrames, subRois: 0 };
  return method === "joint" ? { method, jointLine, subRois: 0 } : { method, subRois };
}

/**
 * Measures every ROI of a picture. The position is the median of the rows' position quantity (so that of `centre` counts
 * pixels from 1, as established; `joint` and `tracking` have one value for all rows); an ROI without a measured row gets NaN and the flag `not_converged`.
 * With `trackDrift` the ROIs are where `displacement` has taken the chip; their own coordinates move with them.
 * `tracking` compares with `reference`, and lets it grow where that says so; see trackPicture.
 * `kernel` stands in for the C++ kernel in tests. Throws Failure `rois.outside` when an ROI leaves the picture.
 */
export function analysePicture(
  picture: Picture,
  roiManifest: RoiManifest,
  settings: AnalysisSettings,
  kernel: (request: KernelRequest) => KernelAnswer = measure,
  displacement?: Displacement,
  reference?: KernelReference,
): FrameResult {
  const follows = settings.trackDrift === true && displacement !== undefined;
  const { rois, imageAngle } = follows ? followChip(roiManifest, displacement) : roiManifest;
  refuseOutside(rois, picture);
  const { method, jointLine, subRois, sampling, bitDepthScaling } = settings;
  const { pixels, width, height } = picture;
  const answer = kernel({
    pixels,
    width,
    height,
    angleDegrees: imageAngle,
    rois: Float64Array.from(rois.flatMap((roi) => [roi.y, roi.x, roi.height, roi.width, roi.flip ? 1 : 0])),
    method,
    ...(jointLine === undefined ? {} : { jointLine }),
    subRois,
    sampling,
    bitDepthScaling,
    ...(reference === undefined ? {} : { tracking: reference }),
  });
  const { brightness, contrast } = answer;
  const moved = displacement === undefined ? {} : { displacement };
  return { ...summarise(answer, rois, settings), brightness, contrast, ...moved };
}

function summarise(answer: KernelAnswer, rois: readonly Roi[], { method, debug }: AnalysisSettings) {
  const quantities = QUANTITIES[method].length;
  const position = new Float64Array(rois.length);
  const standardError = new Float64Array(rois.length);
  const quality = new Float64Array(rois.length);
  const flags = new Uint8Array(rois.length);
  const statistics = rowStatistics(answer, quantities);
  const values: Float64Array[][] = [];
  const evidence = new EvidenceOfRows(answer, method);
  rois.forEach((roi, index) => {
    const rows = evidence.of(index, roi);
    const median = medianOf(rows.positions);
    const doubt = weigh(rows, median);
    position[index] = median;
    standardError[index] = doubt.standardError;
    quality[index] = roundHalfEven(doubt.quality);
    flags[index] = doubt.flags;
    if (debug) values.push(measuredColumns(answer, index, quantities));
  });
  return { method, position, standardError, quality, flags, statistics, ...(debug ? { values } : {}) };
}

/** Per quantity the values of an ROI's measured rows, top row first. */
function measuredColumns(answer: KernelAnswer, roi: number, quantities: number): Float64Array[] {
  const start = answer.rowStart[roi] as number;
  const end = answer.rowStart[roi + 1] as number;
  const columns = Array.from({ length: quantities }, () => new Float64Array(end - start));
  let measured = 0;
  for (let row = start; row < end; row++) {
    if (answer.status[row] !== ROW.ok) continue;
    for (let quantity = 0; quantity < quantities; quantity++) {
      (columns[quantity] as Float64Array)[measured] = answer.columns[row * quantities + quantity] as number;
    }
    measured++;
  }
  return columns.map((column) => column.subarray(0, measured));
}

/** What the rows of one ROI after the other say, in arrays that are used again for the next. */
class EvidenceOfRows {
  private positions = new Float64Array(0);
  private rowErrors = new Float64Array(0);
  private explained = new Float64Array(0);
  private widths = new Float64Array(0);

  private readonly answer: KernelAnswer;
  private readonly method: Method;

  constructor(answer: KernelAnswer, method: Method) {
    this.answer = answer;
    this.method = method;
  }

  of(index: number, roi: Roi): RowEvidence {
    const { answer, method } = this;
    const { columns, status, standardError, explained } = answer;
    const start = answer.rowStart[index] as number;
    const end = answer.rowStart[index + 1] as number;
    if (this.positions.length !== end - start) {
      this.positions = new Float64Array(end - start);
      this.rowErrors = new Float64Array(end - start);
      this.explained = new Float64Array(end - start);
      this.widths = new Float64Array(end - start);
    }
    const quantities = QUANTITIES[method].length;
    const column = POSITION_COLUMN[method];
    const widthColumn = WIDTH_COLUMN[method];
    for (let row = start; row < end; row++) {
      const measured = status[row] === ROW.ok;
      this.positions[row - start] = measured ? (columns[row * quantities + column] as number) : Number.NaN;
      this.rowErrors[row - start] = measured ? (standardError[row] as number) : Number.NaN;
      this.explained[row - start] = measured ? (explained[row] as number) : Number.NaN;
      const hasWidth = measured && widthColumn !== undefined;
      // A Gaussian is the same with its sigma negative.
      this.widths[row - start] = hasWidth ? Math.abs(columns[row * quantities + widthColumn] as number) : Number.NaN;
    }
    return {
      method,
      positions: this.positions,
      rowErrors: this.rowErrors,
      explained: this.explained,
      peakToNoise: answer.peakToNoise.subarray(start, end),
      saturatedShare: answer.saturated[index] as number,
      residualDistancePx: answer.residualDistancePx[index] as number,
      lineWidthPx: medianOf(this.widths),
      widthPx: roi.width,
    };
  }
}

function refuseOutside(rois: readonly Roi[], picture: Picture): void {
  const outside = rois.filter(
    ({ y, x, height, width }) => y < 0 || x < 0 || y + height > picture.height || x + width > picture.width,
  );
  const [first] = outside;
  if (first === undefined) return;
  const others = outside.length > 1 ? `, and ${outside.length - 1} more` : "";
  throw new Failure(
    "rois.outside",
    `ROI ${first.label} leaves the picture of ${picture.width} x ${picture.height} pixels: ` +
      `columns ${Math.round(first.x)} to ${Math.round(first.x + first.width)}, ` +
      `rows ${Math.round(first.y)} to ${Math.round(first.y + first.height)}${others}`,
    { hint: "the ROI manifest was made for another camera or chip; calibrate again" },
  );
}
