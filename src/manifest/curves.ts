// Curves: the positions and flags of all ROIs in each frame, as an analysis measured them.
import type { Statement } from "better-sqlite3";
import { FLAGS } from "../measurement/method.ts";
import { ALONG_COLUMNS, type AlongRow, alongCurves, IS_OF_ANALYSIS, isAlong } from "./along-curves.ts";
import type { Connection } from "./connection.ts";
import { CURVE_COLUMNS, type Curve, type CurveRow, curveOf } from "./frame-curve.ts";
import { BEFORE_ALL } from "./outcome-ids.ts";
import { pages } from "./pages.ts";

const CURVE_PAGE = 256;
/** Number of frames that are searched backwards for the last reliable position of an ROI. */
const LOOK_BACK = 16;

export class Curves {
  readonly #connection: Connection;
  readonly #db: Connection["db"];
  readonly #after: Statement<[number, number, number], CurveRow>;
  readonly #latest: Statement<[number, number], CurveRow>;
  readonly #lastOutcome: Statement<[number], number | null>;
  #countWithin: Statement<[number, number, number], number> | undefined;

  constructor(connection: Connection) {
    const { db } = connection;
    this.#connection = connection;
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
  }

  /** Yields every frame that an analysis measured successfully, with all ROIs, in order of completion, after an outcome. */
  *after(analysisId: number, afterOutcomeId = BEFORE_ALL): Generator<Curve> {
    const along = this.#isAlong(analysisId)
      ? this.#alongQuery<{ after: number }>(`
          SELECT ${ALONG_COLUMNS} FROM outcome o JOIN entry e ON e.id = o.entry_id
          WHERE o.id > @after AND ${IS_OF_ANALYSIS} ORDER BY o.id LIMIT ${CURVE_PAGE}`)
      : undefined;
    yield* pages(
      afterOutcomeId,
      (after) => along?.({ id: analysisId, after }) ?? this.#after.all(analysisId, after, CURVE_PAGE).map(curveOf),
      ({ outcomeId }) => outcomeId,
    );
  }

  /** Returns the last `limit` frames that an analysis measured successfully, with all ROIs, latest completion last. */
  latest(analysisId: number, limit: number): Curve[] {
    const curves = this.#isAlong(analysisId)
      ? this.#alongQuery<{ limit: number }>(`
          SELECT ${ALONG_COLUMNS} FROM outcome o JOIN entry e ON e.id = o.entry_id
          WHERE ${IS_OF_ANALYSIS} ORDER BY o.id DESC LIMIT @limit`)({ id: analysisId, limit })
      : this.#latest.all(analysisId, limit).map(curveOf);
    return curves.reverse();
  }

  /** Returns the outcome of the last frame that an analysis measured successfully; BEFORE_ALL if there is none. */
  lastOutcome(analysisId: number): number {
    const last = this.#isAlong(analysisId)
      ? this.latest(analysisId, 1)[0]?.outcomeId
      : this.#lastOutcome.get(analysisId);
    return last ?? BEFORE_ALL;
  }

  /** Yields the frames captured within a window, with all ROIs, in order of capture. */
  *within(analysisId: number, fromUs: number, toUs: number): Generator<Curve> {
    const along = this.#isAlong(analysisId)
      ? this.#alongQuery<{ fromUs: number; entryId: number; toUs: number }>(`
          SELECT ${ALONG_COLUMNS}
          FROM entry e INDEXED BY entry_time JOIN outcome o ON o.entry_id = e.id AND ${IS_OF_ANALYSIS}
          WHERE (e.captured_at_us, e.id) > (@fromUs, @entryId) AND e.captured_at_us < @toUs
          ORDER BY e.captured_at_us, e.id LIMIT ${CURVE_PAGE}`)
      : undefined;
    const own = this.#db.prepare<[number, number, number, number, number], CurveRow>(`
      SELECT ${CURVE_COLUMNS}
      FROM entry e INDEXED BY entry_time JOIN outcome o ON o.entry_id = e.id AND o.analysis_id = ? AND o.ok = 1
      WHERE (e.captured_at_us, e.id) > (?, ?) AND e.captured_at_us < ? ORDER BY e.captured_at_us, e.id LIMIT ?`);
    yield* pages(
      { capturedAtUs: fromUs, entryId: 0 },
      ({ capturedAtUs, entryId }) =>
        along?.({ id: analysisId, fromUs: capturedAtUs, entryId, toUs }) ??
        own.all(analysisId, capturedAtUs, entryId, toUs, CURVE_PAGE).map(curveOf),
      (curve) => curve,
    );
  }

  /** Counts the frames that `within` yields. The set only grows, so an unchanged count means an unchanged set. */
  countWithin(analysisId: number, fromUs: number, toUs: number): number {
    if (this.#isAlong(analysisId)) return this.#countAlong({ id: analysisId, fromUs, toUs });
    this.#countWithin ??= this.#db
      .prepare<[number, number, number], number>(`
        SELECT count(*) FROM entry e INDEXED BY entry_time JOIN outcome o ON o.entry_id = e.id AND o.analysis_id = ? AND o.ok = 1
        WHERE e.captured_at_us >= ? AND e.captured_at_us < ?`)
      .pluck();
    return this.#countWithin.get(analysisId, fromUs, toUs) ?? 0;
  }

  /** Returns the last position of each ROI that is not marked as a jump in the latest frames, px; NaN if there is none. */
  lastPositions(analysisId: number, rois: number): Float64Array {
    const last = new Float64Array(rois).fill(Number.NaN);
    for (const { position, flags } of this.latest(analysisId, LOOK_BACK).reverse()) {
      position.forEach((px, roi) => {
        if (((flags[roi] ?? 0) & FLAGS.jumped) === 0 && Number.isNaN(last[roi])) last[roi] = px;
      });
    }
    return last;
  }

  #isAlong(analysisId: number): boolean {
    return isAlong(this.#connection, analysisId);
  }

  /** Prepares a query for rows of ALONG_COLUMNS and returns a function that runs it and makes curves of the rows. */
  #alongQuery<More>(sql: string): (values: More & { readonly id: number }) => Curve[] {
    const query = this.#db.prepare<[More & { readonly id: number }], AlongRow>(sql);
    return (values) => alongCurves(this.#connection, values.id, query.all(values));
  }

  #countAlong(values: { readonly id: number; readonly fromUs: number; readonly toUs: number }): number {
    const count = this.#db
      .prepare<[typeof values], number>(`
        SELECT count(*) FROM entry e INDEXED BY entry_time JOIN outcome o ON o.entry_id = e.id AND ${IS_OF_ANALYSIS}
        WHERE e.captured_at_us >= @fromUs AND e.captured_at_us < @toUs`)
      .pluck();
    return count.get(values) ?? 0;
  }
}
