// Puts series with different times on one common axis, as the plotting library needs them.

/** Increasing times with one value each; null interrupts the line. */
export interface Series {
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
}

/** The common axis, and for each series one value for each time; undefined if the series has none. */
export type Aligned = [times: number[], ...values: (number | null | undefined)[][]];

/**
 * Merges the times of all series in one pass: they are already sorted, which the library's own way of joining tables does not
 * use. Multiplies times by `timeFactor`.
 */
export function aligned(series: readonly Series[], timeFactor: number): Aligned {
  const axis: number[] = [];
  const columns: (number | null | undefined)[][] = [];
  const next: number[] = [];
  for (let at = 0; at < series.length; at += 1) {
    columns.push([]);
    next.push(0);
  }
  // Plain loops: this runs some ten thousand times for every frame that comes.
  for (;;) {
    let time = Number.POSITIVE_INFINITY;
    for (let at = 0; at < series.length; at += 1) {
      const own = series[at]?.times[next[at] as number] ?? Number.POSITIVE_INFINITY;
      if (own < time) time = own;
    }
    if (time === Number.POSITIVE_INFINITY) return [axis, ...columns];
    axis.push(time * timeFactor);
    for (let at = 0; at < series.length; at += 1) {
      const { times, values } = series[at] as Series;
      const place = next[at] as number;
      let value: number | null | undefined;
      if (times[place] === time) {
        value = values[place] as number | null;
        next[at] = place + 1;
      }
      (columns[at] as (number | null | undefined)[]).push(value);
    }
  }
}
