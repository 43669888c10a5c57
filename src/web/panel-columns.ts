// Stores many curves, each as the smallest and largest value per time column. Column widths are powers of two of µs, and
// columns are merged in pairs as time passes, so any number of frames takes the same memory.
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";

/** Maximum number of columns; beyond it they are merged. */
const MOST_COLUMNS = 512;
const SHORTEST_COLUMN_US = 2 ** 16;

interface Column {
  /** Smallest value of each curve; NaN if no value is valid. */
  readonly least: Float32Array;
  readonly leastUs: Float64Array;
  readonly greatest: Float32Array;
  readonly greatestUs: Float64Array;
  /** The last outcome in the column. */
  outcome: number;
}

/** A column to draw: for each curve two values in order of time, equal if there is only one; null if none is valid. */
export interface DrawnColumn {
  /** ms since 1970. */
  readonly at: number;
  readonly values: readonly (number | null)[];
}

export class PanelColumns {
  readonly #curves: number;
  #columnUs = SHORTEST_COLUMN_US;
  #columns = new Map<number, Column>();

  constructor(curves: number) {
    this.#curves = curves;
  }

  /** Adds a frame: a value for each curve, NaN if it is not valid. Frames may come in any order. */
  add(timeUs: number, values: Float64Array, outcome: number): void {
    const column = this.#columnAt(this.#columns, Math.floor(timeUs / this.#columnUs));
    column.outcome = Math.max(column.outcome, outcome);
    values.forEach((value, curve) => {
      if (!Number.isNaN(value)) extend(column, curve, value, timeUs);
    });
    if (this.#columns.size > MOST_COLUMNS) {
      this.#columnUs *= 2;
      this.#columns = this.#merged(1);
    }
  }

  /** Returns the column width with which at most `most` columns cover a time span, µs. */
  widthFor(spanUs: number, most: number): number {
    return Math.max(this.#columnUs, 2 ** Math.ceil(Math.log2(Math.max(1, spanUs / most))));
  }

  /** Returns the columns of a width given by `widthFor` that changed after an outcome, in order of time. */
  drawn(columnUs: number, afterOutcome: number): DrawnColumn[] {
    return [...this.#merged(Math.log2(columnUs / this.#columnUs))]
      .filter(([, { outcome }]) => outcome > afterOutcome)
      .sort(([one], [other]) => one - other)
      .map(([place, column]) => ({ at: (place * columnUs) / 1000, values: this.#valuesOf(column) }));
  }

  #columnAt(columns: Map<number, Column>, place: number): Column {
    const known = columns.get(place);
    if (known !== undefined) return known;
    const made = {
      least: new Float32Array(this.#curves).fill(Number.NaN),
      leastUs: new Float64Array(this.#curves),
      greatest: new Float32Array(this.#curves).fill(Number.NaN),
      greatestUs: new Float64Array(this.#curves),
      outcome: BEFORE_ALL,
    };
    columns.set(place, made);
    return made;
  }

  /** Returns the columns after merging each 2^`doublings` of them. */
  #merged(doublings: number): Map<number, Column> {
    if (doublings === 0) return this.#columns;
    const merged = new Map<number, Column>();
    for (const [place, from] of this.#columns) {
      const into = this.#columnAt(merged, Math.floor(place / 2 ** doublings));
      into.outcome = Math.max(into.outcome, from.outcome);
      for (let curve = 0; curve < this.#curves; curve += 1) {
        if (Number.isNaN(from.least[curve])) continue;
        extend(into, curve, from.least[curve] as number, from.leastUs[curve] as number);
        extend(into, curve, from.greatest[curve] as number, from.greatestUs[curve] as number);
      }
    }
    return merged;
  }

  #valuesOf({ least, leastUs, greatest, greatestUs }: Column): (number | null)[] {
    return Array.from(least, (low, curve): (number | null)[] => {
      if (Number.isNaN(low)) return [null, null];
      const both = [rounded(low), rounded(greatest[curve] as number)];
      return (leastUs[curve] as number) <= (greatestUs[curve] as number) ? both : both.reverse();
    }).flat();
  }
}

function extend({ least, leastUs, greatest, greatestUs }: Column, curve: number, value: number, timeUs: number): void {
  if (!((least[curve] as number) <= value)) {
    least[curve] = value;
    leastUs[curve] = timeUs;
  }
  if (!((greatest[curve] as number) >= value)) {
    greatest[curve] = value;
    greatestUs[curve] = timeUs;
  }
}

/** Rounds to five digits: a panel is about 80 px high and cannot show more. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
