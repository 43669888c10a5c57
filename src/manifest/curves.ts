// Curves: frame by frame the positions and flags of all ROIs, as an analysis measured them.
import type { Statement } from "better-sqlite3";
import { FLAGS } from "../measurement/method.ts";
import type { Connection } from "./connection.ts";
import { CURVE_COLUMNS, type Curve, type CurveRow, curveOf, unpackCurve } from "./frame-curve.ts";
import { BEFORE_ALL } from "./outcome-ids.ts";
import { pages } from "./pages.ts";
import { BLOCK_BITS } from "./schema.ts";

const CURVE_PAGE = 256;
/** Frames looked back at for an ROI's last undoubted position. */
const LOOK_BACK = 16;

export class Curves {
  readonly #db: Connection["db"];
  readonly #after: Statement<[number, number, number], CurveRow>;
  readonly #latest: Statement<[number, number], CurveRow>;
  readonly #lastOutcome: Statement<[number], number | null>;
  readonly #lastCurves: Statement<[number, number], Buffer>;
  #countWithin: Statement<[number, number, number], number> | undefined;
  readonly #lastRows: Statement<[{ analysisId: number; blocks: number }], [number, number | null, number]>;

  constructor({ db }: Connection) {
    this.#db = db;
    this.#after = db.prepare(`
      SELECT ${CURVE_COLUMNS} FROM outcome o JOIN entry e ON e.id = o.entry_id
      WHERE o.analysis_id = ? AND o.ok = 1 AND o.id > ? ORDER BY o.id LIMIT ?`);
    this.#latest = db.prepare(`
      SELECT ${CURVE_COLUMNS} FROM outcome o JOIN entry e ON e.id = o.entry_id
      WHERE o.analysis_id = ? AND o.ok = 1 ORDER BY o.id DESC LIMIT ?`);
    this.#lastOutcome = db
      .prepare<[number], number | null>("SELECT max(id) FROM outcome WHERE analysis_id = ? AND ok = 1")
      .pluck();
    this.#lastCurves = db
      .prepare<[number, number], Buffer>(
        "SELECT curve FROM outcome WHERE analysis_id = ? AND ok = 1 ORDER BY id DESC LIMIT ?",
      )
      .pluck();
    this.#lastRows = db
      .prepare<[{ analysisId: number; blocks: number }], [number, number | null, number]>(`
        SELECT roi, position, flags FROM result WHERE analysis_id = @analysisId
          AND block >= (SELECT max(block) FROM result WHERE analysis_id = @analysisId) - @blocks ORDER BY entry_id DESC`)
      .raw();
  }

  /** All ROIs of every frame an analysis succeeded on, in order of completion, after an outcome. */
  *after(analysisId: number, afterOutcomeId = BEFORE_ALL): Generator<Curve> {
    const rows = pages(
      afterOutcomeId,
      (id) => this.#after.all(analysisId, id, CURVE_PAGE),
      ({ id }) => id,
    );
    for (const row of rows) yield curveOf(row);
  }

  /** All ROIs of the `limit` frames an analysis succeeded on last, the latest completion at the end. */
  latest(analysisId: number, limit: number): Curve[] {
    return this.#latest.all(analysisId, limit).reverse().map(curveOf);
  }

  /** The outcome of the frame an analysis succeeded on last; BEFORE_ALL while there is none. */
  lastOutcome(analysisId: number): number {
    return this.#lastOutcome.get(analysisId) ?? BEFORE_ALL;
  }

  /** All ROIs of the frames captured within a window, in order of capture. */
  *within(analysisId: number, fromUs: number, toUs: number): Generator<Curve> {
    const page = this.#db.prepare<[number, number, number, number, number], CurveRow>(`
      SELECT ${CURVE_COLUMNS}
      FROM entry e INDEXED BY entry_time JOIN outcome o ON o.entry_id = e.id AND o.analysis_id = ? AND o.ok = 1
      WHERE (e.captured_at_us, e.id) > (?, ?) AND e.captured_at_us < ? ORDER BY e.captured_at_us, e.id LIMIT ?`);
    const rows = pages(
      { captured_at_us: fromUs, entry_id: 0 },
      (last) => page.all(analysisId, last.captured_at_us, last.entry_id, toUs, CURVE_PAGE),
      (row) => row,
    );
    for (const row of rows) yield curveOf(row);
  }

  /** How many frames `within` gives: a set that only grows is known by its number. */
  countWithin(analysisId: number, fromUs: number, toUs: number): number {
    this.#countWithin ??= this.#db
      .prepare<[number, number, number], number>(`
        SELECT count(*) FROM entry e INDEXED BY entry_time JOIN outcome o ON o.entry_id = e.id AND o.analysis_id = ? AND o.ok = 1
        WHERE e.captured_at_us >= ? AND e.captured_at_us < ?`)
      .pluck();
    return this.#countWithin.get(analysisId, fromUs, toUs) ?? 0;
  }

  /** Where each ROI stood in the latest frames, px: its last position not marked as a jump; NaN where there is none. */
  lastPositions(analysisId: number, rois: number): Float64Array {
    const last = new Float64Array(rois).fill(Number.NaN);
    const take = (roi: number, px: number, flags: number) => {
      if ((flags & FLAGS.jumped) === 0 && Number.isNaN(last[roi])) last[roi] = px;
    };
    const curves = this.#lastCurves.all(analysisId, LOOK_BACK);
    for (const curve of curves) {
      const { position, flags } = unpackCurve(curve);
      position.forEach((px, roi) => {
        take(roi, px, flags[roi] ?? 0);
      });
    }
    // What is measured along with another method has no curves of its own.
    const rows = curves.length > 0 ? [] : this.#lastRows.all({ analysisId, blocks: LOOK_BACK >> BLOCK_BITS });
    for (const [roi, px, flags] of rows) take(roi, px ?? Number.NaN, flags);
    return last;
  }
}
