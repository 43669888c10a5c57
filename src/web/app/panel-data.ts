// The values of the small panels, updated with their changed columns, and the limits of their axes.
import type { PanelsView } from "../views.ts";
import type { Panel } from "./panel-layout.ts";

export type Limits = readonly [low: number, high: number];

/** Returns the drawn view, updated with the columns that changed. */
export function withChangedColumns(before: PanelsView | undefined, answer: PanelsView): PanelsView {
  if (!answer.partial || before === undefined) return answer;
  const columns = new Map(before.columns.map((column) => [column.at, column]));
  for (const column of answer.columns) columns.set(column.at, column);
  return { ...answer, columns: [...columns.values()].sort((one, other) => one.at - other.at) };
}

/** Share of values that may lie beyond the common limits on each side, so that a few outliers do not flatten all curves. */
const BEYOND = 0.002;
const MARGIN = 0.06;

/** Limits for all panels together; undefined without values. */
export function commonLimits({ columns }: PanelsView): Limits | undefined {
  const values = columns.flatMap((column) => column.values.filter((value) => value !== null)).sort((a, b) => a - b);
  if (values.length === 0) return undefined;
  const at = (share: number) => values[Math.round(share * (values.length - 1))] as number;
  return widened(at(BEYOND), at(1 - BEYOND));
}

/** Limits of one panel; undefined without values. */
export function ownLimits({ columns }: PanelsView, { units }: Panel): Limits | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { values } of columns) {
    for (const unit of units) {
      for (const value of [values[2 * unit], values[2 * unit + 1]]) {
        if (value === null || value === undefined) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  return low > high ? undefined : widened(low, high);
}

function widened(low: number, high: number): Limits {
  const margin = MARGIN * (high - low || Math.abs(high) || 1);
  return [low - margin, high + margin];
}

/** Returns the last value of a curve, px. */
export function lastValue({ columns }: PanelsView, unit: number): number | null {
  for (let at = columns.length - 1; at >= 0; at -= 1) {
    const value = columns[at]?.values[2 * unit + 1];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
