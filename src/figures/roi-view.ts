// Shows one ROI of one picture as the fit sees it: its pixels upright and unflipped to the reading direction, one row of them
// with the fitted line, and the resonance of each row.
import { measure } from "../analysis/kernel.ts";
import { shapeOf } from "../analysis/line-shape.ts";
import type { AnalysisSettings } from "../analysis/settings.ts";
import type { Picture } from "../image/picture.ts";
import { type Line, lineOfCode, type Method, POSITION_COLUMN, QUANTITIES } from "../measurement/method.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";

export interface RoiView {
  readonly width: number;
  readonly height: number;
  /** Counts of the picture, row-major, flipped as measured. */
  readonly pixels: Float64Array;
  /** The row that is drawn, and its counts. */
  readonly row: number;
  readonly profile: Float64Array;
  /** The fit, px; undefined if the method fits no line, or none was found. */
  readonly fit: { readonly line: Float64Array; readonly positionPx: number } | undefined;
  /** Position in each row, px; NaN if it was not measured. */
  readonly rowPositions: Float64Array;
}

/** Returns the view of the ROI with index `at`. The line is that of the analysis' method; for `tracking`, its joint fit. */
export function viewRoi(
  picture: Picture,
  { rois, imageAngle }: Pick<RoiManifest, "rois" | "imageAngle">,
  at: number,
  settings: Pick<AnalysisSettings, "method" | "jointLine" | "sampling" | "bitDepthScaling">,
): RoiView {
  const roi = rois[at];
  if (roi === undefined) throw new RangeError(`there is no ROI ${at}`);
  const { width, height } = roi;
  const pixels = samplesOf(picture, roi, imageAngle);
  const row = height >> 1;
  const profile = pixels.slice(row * width, (row + 1) * width);
  const method: Method = settings.method === "tracking" ? "joint" : settings.method;
  const jointLine = settings.jointLine ?? "fano";
  const { columns, rowStart, status, lines, lineShare } = measure({
    pixels: picture.pixels,
    width: picture.width,
    height: picture.height,
    angleDegrees: imageAngle,
    rois: Float64Array.of(roi.y, roi.x, height, width, roi.flip ? 1 : 0),
    method,
    ...(method === "joint" ? { jointLine } : {}),
    subRois: 0,
    sampling: settings.sampling,
    bitDepthScaling: settings.bitDepthScaling,
  });
  const quantities = QUANTITIES[method];
  const valuesOf = (line: number) =>
    new Map(quantities.map((name, i) => [name, columns[line * quantities.length + i] ?? Number.NaN]));
  const shared = method === "joint" ? valuesOf(0) : undefined;
  const rows = (rowStart[1] ?? 0) - (rowStart[0] ?? 0);
  const rowPositions = Float64Array.from({ length: height }, (_x, line) => {
    if (shared !== undefined) return number(shared, "position") + number(shared, "slope") * (line - (height - 1) / 2);
    if (line >= rows || status[line] !== 0) return Number.NaN;
    const position = columns[line * quantities.length + POSITION_COLUMN[method]] ?? Number.NaN;
    // Established: `centre` counts from 1.
    return method === "centre" ? position - 1 : position;
  });
  const positionPx = rowPositions[row] ?? Number.NaN;
  const joined = lineOfCode(lines?.[0]) ?? "fano";
  const shape = fittedShape(method, joined, shared ?? valuesOf(row), positionPx, lineShare?.[0] ?? Number.NaN);
  const line = shape === undefined || !Number.isFinite(positionPx) ? undefined : scaledTo(profile, shape);
  return { width, height, pixels, row, profile, fit: line && { line, positionPx }, rowPositions };
}

/**
 * Returns the counts along one row of an ROI, flipped as measured; without a row, the mean of all rows. Bilinear interpolation;
 * 0 outside the picture.
 */
export function rowProfile(picture: Picture, roi: Roi, imageAngle: number, row: number | undefined): Float64Array {
  const { width, height } = roi;
  const samples = samplesOf(picture, roi, imageAngle);
  if (row !== undefined) return samples.slice(row * width, (row + 1) * width);
  return Float64Array.from({ length: width }, (_x, column) => {
    let sum = 0;
    for (let at = column; at < samples.length; at += width) sum += samples[at] as number;
    return sum / height;
  });
}

/** Returns the pixels under an ROI, with bilinear interpolation; 0 outside the picture. */
function samplesOf({ pixels, width, height }: Picture, roi: Roi, imageAngle: number): Float64Array {
  const [cos, sin] = [Math.cos((imageAngle * Math.PI) / 180), Math.sin((imageAngle * Math.PI) / 180)];
  const [middleX, middleY] = [Math.floor(width / 2), Math.floor(height / 2)];
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : (pixels[y * width + x] ?? 0));
  const samples = new Float64Array(roi.width * roi.height);
  for (let row = 0; row < roi.height; row++) {
    for (let column = 0; column < roi.width; column++) {
      // ROIs are in the picture rotated by -imageAngle about its middle, y downwards.
      const [dx, dy] = [roi.x + column - middleX, roi.y + row - middleY];
      const [x, y] = [middleX + cos * dx + sin * dy, middleY - sin * dx + cos * dy];
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [right, down] = [x - left, y - top];
      const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
      const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
      const place = roi.flip ? roi.width - 1 - column : column;
      samples[row * roi.width + place] = upper * (1 - down) + lower * down;
    }
  }
  return samples;
}

/** Returns the fitted line without its height and offset; undefined if the method fits none. */
function fittedShape(
  method: Method,
  line: Line,
  values: ReadonlyMap<string, number>,
  centre: number,
  share: number,
): ((x: number) => number) | undefined {
  const none = { centre, asymmetry: Number.NaN, share };
  if (method === "gaussian") return shapeOf("gaussian", { ...none, width: number(values, "sigma") });
  if (method === "fano") {
    return shapeOf("fano", { ...none, width: number(values, "gamma"), asymmetry: number(values, "assymetry") });
  }
  if (method !== "joint") return undefined;
  return shapeOf(line, { ...none, width: number(values, "width"), asymmetry: number(values, "asymmetry") });
}

/** Fits height and offset to the drawn row by least squares: those of the fit are for all rows, in 8-bit counts. */
function scaledTo(profile: Float64Array, shape: (x: number) => number): Float64Array | undefined {
  const model = profile.map((_v, x) => shape(x));
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middle, level] = [mean(model), mean(profile)];
  let [xx, xy] = [0, 0];
  model.forEach((value, x) => {
    xx += (value - middle) ** 2;
    xy += (value - middle) * ((profile[x] as number) - level);
  });
  if (!(xx > 0)) return undefined;
  return model.map((value) => level + (xy / xx) * (value - middle));
}

function number(values: ReadonlyMap<string, number>, name: string): number {
  return values.get(name) ?? Number.NaN;
}
