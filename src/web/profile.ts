// Computes the mean row of an ROI in a picture, and the line that the method fits to it, so that the user can check a result.
import { measure } from "../analysis/kernel.ts";
import { ROW } from "../analysis/kernel-answer.ts";
import { shapeOf } from "../analysis/line-shape.ts";
import {
  type JointLine,
  type Line,
  lineOfCode,
  type Method,
  POSITION_COLUMN,
  QUANTITIES,
  WIDTH_COLUMN,
} from "../measurement/method.ts";
import type { Roi } from "../measurement/roi.ts";

/** Scale to 16 bits, which hold the mean of many 8-bit rows without visible rounding. */
const SCALE = 257;

/**
 * Returns the mean of the rows of an ROI, in counts of `shown` (8 bit). The ROI's coordinates are in the picture rotated by
 * -imageAngle.
 */
export function meanRow(
  shown: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  roi: Roi,
  imageAngle: number,
): Float64Array {
  const [cx, cy] = [Math.floor(width / 2), Math.floor(height / 2)];
  const radians = (-imageAngle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const columns = Math.floor(roi.width);
  const rows = Math.floor(roi.height);
  const sum = new Float64Array(columns);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [dx, dy] = [roi.x + column - cx, roi.y + row - cy];
      const at = roi.flip ? columns - 1 - column : column;
      sum[at] =
        (sum[at] as number) + interpolated(shown, width, height, cx + dx * cos - dy * sin, cy + dx * sin + dy * cos);
    }
  }
  return sum.map((value) => value / rows);
}

/** Interpolates between four pixels; outside the picture is black. */
function interpolated(pixels: Uint8Array, width: number, height: number, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const at = (px: number, py: number) =>
    px < 0 || py < 0 || px >= width || py >= height ? 0 : (pixels[py * width + px] as number);
  return (
    at(x0, y0) * (1 - fx) * (1 - fy) +
    at(x0 + 1, y0) * fx * (1 - fy) +
    at(x0, y0 + 1) * (1 - fx) * fy +
    at(x0 + 1, y0 + 1) * fx * fy
  );
}

/** A fitted line, with its value at each pixel of a row. */
export interface RowLine {
  readonly line: Line;
  readonly values: number[];
}

/**
 * Fits the method's line to a row with the kernel. `joint` and `tracking` use the ROI's line shape, or choose it from the row
 * if that is "auto". Undefined if the method fits no line, or the fit does not converge.
 */
export function fitRow(row: Float64Array, method: Method, jointLine: JointLine): RowLine | undefined {
  if (method === "max_intensity" || method === "centre") return undefined;
  const asked = method === "tracking" ? "joint" : method;
  const { status, columns, lines, lineShare } = measure({
    pixels: Uint16Array.from(row, (value) => Math.round(value * SCALE)),
    width: row.length,
    height: 1,
    angleDegrees: 0,
    rois: Float64Array.from([0, 0, 1, row.length, 0]),
    method: asked,
    ...(asked === "joint" ? { jointLine } : {}),
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
  });
  const line = asked === "joint" ? lineOfCode(lines?.[0]) : asked;
  if (status[0] !== ROW.ok || line === undefined) return undefined;
  const value = (...names: string[]) => columns[QUANTITIES[asked].findIndex((name) => names.includes(name))] as number;
  const shape = shapeOf(line, {
    centre: columns[POSITION_COLUMN[asked]] as number,
    width: columns[WIDTH_COLUMN[asked] as number] as number,
    asymmetry: value("asymmetry", "assymetry"),
    share: lineShare?.[0] ?? Number.NaN,
  });
  return { line, values: Array.from(row, (_v, x) => value("amplitude") * shape(x) + value("offset")) };
}
