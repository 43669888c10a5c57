// Combines the rows of each ROI: the established statistics, and a position with its error.
import type { KernelAnswer, MeasuredRows } from "./kernel-answer.ts";
import { native } from "./native-kernel.ts";

/**
 * Computes STATISTICS over the measured rows of each ROI, [roi][quantity][statistic], with exactly numpy's results: three
 * decimals, halves to even; NaN if no row was measured. Smoothness is the deviation of successive differences divided by the
 * rounded Max minus the rounded Min, or 0 if that vanishes. Throws TypeError or RangeError for arrays that do not match.
 */
export function rowStatistics({ columns, status, rowStart }: MeasuredRows, quantities: number): Float64Array {
  return native().statistics(columns, status, rowStart, quantities);
}

/** The summary of one ROI's rows; px unless stated otherwise, NaN if unknown. */
export interface RowSummary {
  /** Median of the measured rows. */
  readonly position: number;
  /**
   * Standard error of that median, from the scatter of the rows around a straight (tilted) line. Rows are correlated if speckle
   * grains span several of them, which leaves fewer independent ones. With fewer than five rows, it comes from the errors of
   * single rows.
   */
  readonly standardError: number;
  /** Share of the rows that were measured. */
  readonly measured: number;
  /** Median share of their variance that the model explains. */
  readonly explained: number;
  /** Median width of the fitted line (sigma or gamma); NaN if there is no fit. */
  readonly lineWidth: number;
  /** Median ratio of peak height to noise over all rows, including those not measured. */
  readonly contrast: number;
  /** Median standard error of a single row. */
  readonly rowError: number;
}

const SUMMARY_NUMBERS = 7;

/** The rows of a KernelAnswer, and what the summary needs to know about its method. */
export interface SummaryRequest {
  readonly rows: MeasuredRows & Pick<KernelAnswer, "standardError" | "explained" | "peakToNoise">;
  readonly quantities: number;
  readonly positionColumn: number;
  /** Absent if nothing is fitted. */
  readonly widthColumn?: number | undefined;
  /** Standard deviation due to rounding of positions, px; 0 without rounding. */
  readonly rounding: number;
}

/** Returns the summary of each ROI's rows. Throws TypeError or RangeError for arrays that do not match. */
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
 * Fits a straight line through rows, px and px per row. NaN rows were not measured. Least squares with Huber's weights from a
 * robust start.
 */
export function robustLineOfRows(positions: Float64Array): [start: number, slope: number] {
  return native().robustLine(positions);
}
