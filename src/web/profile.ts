// The mean row of an ROI in a picture, and the line that the method fits to it: what a person looks at to believe a number.
import { measure, ROW } from "../analysis/kernel.ts";
import { type Method, QUANTITIES } from "../analysis/method.ts";
import type { Roi } from "../analysis/roi.ts";

/** 16 bits hold the mean of many rows of 8 bits without rounding that anybody sees. */
const SCALE = 257;

/** Mean over the rows of an ROI, in counts of `shown` (8 bit); the ROI lies in the picture turned by -imageAngle. */
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

/** Between four pixels; black outside the picture. */
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

/** The line of a method: joint and tracking hold one of the two that are fitted row by row. */
export function lineOf(method: Method, jointLine: "gaussian" | "fano"): "gaussian" | "fano" | undefined {
  if (method === "gaussian" || method === "fano") return method;
  return method === "joint" || method === "tracking" ? jointLine : undefined;
}

/** The line fitted to a row by the kernel, at each pixel; undefined where it does not converge. */
export function fitRow(row: Float64Array, line: "gaussian" | "fano"): number[] | undefined {
  const answer = measure({
    pixels: Uint16Array.from(row, (value) => Math.round(value * SCALE)),
    width: row.length,
    height: 1,
    angleDegrees: 0,
    rois: Float64Array.from([0, 0, 1, row.length, 0]),
    method: line,
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
  });
  if (answer.status[0] !== ROW.ok) return undefined;
  const value = (name: string) => answer.columns[QUANTITIES[line].indexOf(name)] as number;
  const [amplitude, offset] = [value("amplitude"), value("offset")];
  if (line === "gaussian") {
    const [mu, sigma] = [value("mu"), value("sigma")];
    return Array.from(row, (_v, x) => amplitude * Math.exp(-((x - mu) ** 2) / (2 * sigma ** 2)) + offset);
  }
  const [q, resonance, gamma] = [value("assymetry"), value("resonance"), value("gamma")];
  return Array.from(row, (_v, x) => {
    const t = (x - resonance) / gamma;
    return (amplitude * (q + t) ** 2) / (1 + t * t) + offset;
  });
}
