// The standard error of an ROI's position, the median of its rows: from the rows' own scatter about a tilted line. The
// arithmetic is the kernel's, because every ROI of every frame needs it.
import { medianErrorOfRows, robustLineOfRows } from "./kernel.ts";
import type { Method } from "./method.ts";

/** Positions of all rows of one ROI, px, and the kernel's standard errors of them; NaN where a row was not measured. */
export interface RowPositions {
  readonly method: Method;
  readonly positions: Float64Array;
  readonly rowErrors: Float64Array;
}

/** A maximum falls on a whole pixel: the deviation of a value rounded so. */
const WHOLE_PIXEL_ERROR = Math.sqrt(1 / 12);

/**
 * px: standard error of the median of the rows, from their own scatter about a straight (tilted) line. Rows are
 * correlated where speckle grains span several of them, which leaves fewer independent ones. `position` is their median.
 * NaN where nothing is known.
 */
export function medianError({ method, positions, rowErrors }: RowPositions, position: number): number {
  return medianErrorOfRows(positions, rowErrors, method === "max_intensity" ? WHOLE_PIXEL_ERROR : 0, position);
}

/** px and px per row: the straight line through the rows, by least squares with Huber's weights from a robust start. */
export function robustLine(positions: Float64Array): { readonly start: number; readonly slope: number } {
  const [start, slope] = robustLineOfRows(positions);
  return { start, slope };
}
