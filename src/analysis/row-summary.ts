// What the rows of each ROI say together: the established statistics, and a position with its error.
import type { KernelAnswer, MeasuredRows } from "./kernel-answer.ts";
import { native } from "./native-kernel.ts";

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
