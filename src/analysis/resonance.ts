// Measures one picture with one ROI manifest and returns one result per ROI. Calls the kernel once, and turns its rows into the
// established statistics and a position with error, quality and flags. No files, no threads.
import { Failure } from "../failure/failure.ts";
import { depthBefore } from "../image/bit-depth.ts";
import type { Picture } from "../image/picture.ts";
import type { DepthKnowledge } from "../measurement/depth.ts";
import type { Displacement } from "../measurement/displacement.ts";
import { type FrameResult, type Method, POSITION_COLUMN, QUANTITIES, WIDTH_COLUMN } from "../measurement/method.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import { roundHalfEven } from "../measurement/statistics.ts";
import { type LinesByMethod, lineCodes } from "./chosen-lines.ts";
import { darkLevelFor } from "./dark-level.ts";
import { followChip } from "./drift.ts";
import { establishedColumns } from "./fano-form.ts";
import { measureTogether } from "./kernel.ts";
import { type KernelAnswer, type KernelPicture, type KernelReference, type KernelTask, ROW } from "./kernel-answer.ts";
import { weigh } from "./quality.ts";
import { rowStatistics, summariseRows } from "./row-summary.ts";
import type { AnalysisSettings } from "./settings.ts";

/** Options for measuring a picture. */
export interface PictureOptions {
  /** Movement of the chip; ROIs follow it with `trackDrift`, and their own coordinates move with them. */
  readonly displacement?: Displacement | undefined;
  /** What earlier pictures revealed about the camera's full scale. */
  readonly depth?: DepthKnowledge | undefined;
  /** The lines that earlier pictures chose for the ROIs; without them each picture uses its own. */
  readonly lines?: LinesByMethod | undefined;
  /** The reference of `tracking`, which may grow; see trackPicture. */
  readonly reference?: KernelReference;
  /** Replacement for the C++ kernel, to inspect its answers or its cost. */
  readonly kernel?: typeof measureTogether;
}

/**
 * Measures every ROI of a picture. The position is the median of the rows' position quantity (so that of `centre` counts pixels
 * from 1, as established; `joint` and `tracking` have one value for all rows). An ROI without a measured row gets NaN and the
 * flag `not_converged`. Throws Failure `rois.outside` if an ROI extends beyond the picture.
 */
export function analysePicture(
  picture: Picture,
  roiManifest: RoiManifest,
  settings: AnalysisSettings,
  options: PictureOptions = {},
): FrameResult {
  return analyseTogether(picture, roiManifest, [settings], options)[0] as FrameResult;
}

/**
 * Does the same with several methods, one result each. ROIs are sampled only once, as the first settings say; the others must
 * agree with them.
 */
export function analyseTogether(
  picture: Picture,
  roiManifest: RoiManifest,
  all: readonly AnalysisSettings[],
  { displacement, reference, depth, lines, kernel = measureTogether }: PictureOptions = {},
): FrameResult[] {
  const [first] = all;
  if (first === undefined) return [];
  const follows = first.trackDrift === true && displacement !== undefined;
  const { rois, imageAngle } = follows ? followChip(roiManifest, displacement) : roiManifest;
  refuseOutside(rois, picture);
  const { pixels, width, height } = picture;
  const wanted = all.find((settings) => settings.darkLevel !== undefined)?.darkLevel;
  const { darkLevel, refusedBy } = darkLevelFor(picture, { ...roiManifest, rois, imageAngle }, wanted);
  const sampled: KernelPicture = {
    pixels,
    width,
    height,
    angleDegrees: imageAngle,
    rois: Float64Array.from(rois.flatMap((roi) => [roi.y, roi.x, roi.height, roi.width, roi.flip ? 1 : 0])),
    subRois: first.subRois,
    sampling: first.sampling,
    bitDepthScaling: first.bitDepthScaling,
    depth: { ...(depth ?? depthBefore(0)), bits: first.bits ?? 0 },
    ...(darkLevel === undefined ? {} : { darkLevel }),
  };
  const tasks = all.map(
    ({ method, jointLine, fanoSign }): KernelTask => ({
      method,
      ...(fanoSign === "established" ? { findsForms: true } : {}),
      ...(jointLine === undefined ? {} : { jointLine }),
      ...knownLines(lines, method),
      ...(method === "tracking" && reference !== undefined ? { tracking: reference } : {}),
    }),
  );
  const moved = displacement === undefined ? {} : { displacement };
  return kernel(sampled, tasks).map((answer, nth) => {
    const { brightness, contrast } = answer;
    const shapes = answer.lines === undefined ? {} : { lines: answer.lines };
    const ends = picture.bitDepth === 16 ? { depth: answer.depth } : {};
    return {
      ...summarise(answer, rois, all[nth] as AnalysisSettings),
      brightness,
      contrast,
      ...shapes,
      ...ends,
      ...moved,
      ...(refusedBy === undefined ? {} : { darkest: refusedBy }),
    };
  });
}

function knownLines(lines: LinesByMethod | undefined, method: Method): Pick<KernelTask, "lines"> {
  const known = method === "joint" || method === "tracking" ? lines?.[method] : undefined;
  return known === undefined ? {} : { lines: lineCodes(known) };
}

/** Standard deviation of a value rounded to a whole pixel, such as a maximum. */
const WHOLE_PIXEL_ERROR = Math.sqrt(1 / 12);

function summarise(answer: KernelAnswer, rois: readonly Roi[], { method, debug }: AnalysisSettings) {
  const quantities = QUANTITIES[method].length;
  const position = new Float64Array(rois.length);
  const standardError = new Float64Array(rois.length);
  const quality = new Float64Array(rois.length);
  const flags = new Uint8Array(rois.length);
  // Decisions use the canonical form; the established one is only for display.
  const shown =
    answer.forms === undefined ? answer : { ...answer, columns: establishedColumns(answer.columns, answer.forms) };
  const statistics = rowStatistics(shown, quantities);
  const values: Float64Array[][] = [];
  const summaries = summariseRows({
    rows: answer,
    quantities,
    positionColumn: POSITION_COLUMN[method],
    widthColumn: WIDTH_COLUMN[method],
    rounding: method === "max_intensity" ? WHOLE_PIXEL_ERROR : 0,
  });
  summaries.forEach((summary, index) => {
    const assessment = weigh({
      ...summary,
      method,
      saturatedShare: answer.saturated[index] as number,
      residualDistancePx: answer.residualDistancePx[index] as number,
      widthPx: rois[index]?.width ?? Number.NaN,
      doubts: answer.doubts?.[index] ?? 0,
    });
    position[index] = summary.position;
    standardError[index] = assessment.standardError;
    quality[index] = roundHalfEven(assessment.quality);
    flags[index] = assessment.flags;
    if (debug) values.push(measuredColumns(shown, index, quantities));
  });
  return { method, position, standardError, quality, flags, statistics, ...(debug ? { values } : {}) };
}

/** Returns the values of an ROI's measured rows by quantity, top row first. */
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

function refuseOutside(rois: readonly Roi[], picture: Picture): void {
  const outside = rois.filter(
    ({ y, x, height, width }) => y < 0 || x < 0 || y + height > picture.height || x + width > picture.width,
  );
  const [first] = outside;
  if (first === undefined) return;
  const others = outside.length > 1 ? `, and ${outside.length - 1} more` : "";
  throw new Failure(
    "rois.outside",
    `ROI ${first.label} is partly outside the image of ${picture.width} x ${picture.height} pixels: ` +
      `columns ${Math.round(first.x)} to ${Math.round(first.x + first.width)}, ` +
      `rows ${Math.round(first.y)} to ${Math.round(first.y + first.height)}${others}`,
    { hint: "the ROI manifest was made for another camera or chip; calibrate again" },
  );
}
