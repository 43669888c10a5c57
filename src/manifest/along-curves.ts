// Curves of a tracking that was measured along with another method. Such a tracking has results but no outcomes of its own: its
// frames are those of the other analysis for which it has a result.
import type { Connection } from "./connection.ts";
import { CURVE_COLUMNS, type Curve, type CurveRow, curveOf } from "./frame-curve.ts";
import { BLOCK_BITS } from "./schema.ts";

/**
 * SQL condition: outcome `o` is a success of analysis @id itself, or of an analysis that @id was measured along with. The unary
 * plus keeps SQLite from using an index whose order is not the wanted row order.
 */
export const IS_OF_ANALYSIS = `o.ok = 1 AND (+o.analysis_id = @id OR (
  +o.analysis_id IN (SELECT analysis_id FROM companion WHERE tracking_id = @id) AND EXISTS (
    SELECT 1 FROM result r
    WHERE r.analysis_id = @id AND r.block = o.entry_id >> ${BLOCK_BITS} AND r.roi = 0 AND r.entry_id = o.entry_id)))`;

/** CURVE_COLUMNS, and whether the outcome belongs to analysis @id itself. */
export const ALONG_COLUMNS = `${CURVE_COLUMNS}, o.analysis_id = @id AS own`;

/** A row of ALONG_COLUMNS. */
export interface AlongRow extends CurveRow {
  readonly own: number;
}

interface Frame {
  readonly position: number[];
  readonly flags: number[];
}

/** Whether an analysis is, or was, measured along with another. */
export function isAlong({ db }: Connection, analysisId: number): boolean {
  return db.prepare("SELECT 1 FROM companion WHERE tracking_id = ?").get(analysisId) !== undefined;
}

/** Returns the curves of some frames of an analysis, in the order of `rows`. */
export function alongCurves(connection: Connection, analysisId: number, rows: readonly AlongRow[]): Curve[] {
  const others = rows.filter(({ own }) => own === 0).map(({ entry_id }) => entry_id);
  const frames = framesOf(connection, analysisId, others);
  return rows.map((row) => {
    const frame = frames.get(row.entry_id);
    if (frame === undefined) return curveOf(row);
    const results = { position: Float32Array.from(frame.position), flags: Uint8Array.from(frame.flags) };
    return { ...curveOf(row), ...results, isAlong: true };
  });
}

/** Reads the results of whole blocks: one query per frame would take longer than skipping the unwanted rows of a block. */
function framesOf({ db }: Connection, analysisId: number, entries: readonly number[]): ReadonlyMap<number, Frame> {
  const frames = new Map(entries.map((entry): [number, Frame] => [entry, { position: [], flags: [] }]));
  const blocks = JSON.stringify([...new Set(entries.map((entry) => entry >> BLOCK_BITS))]);
  const results = db
    .prepare<[{ blocks: string; analysisId: number }], [number, number, number | null, number]>(`
      SELECT r.entry_id, r.roi, r.position, r.flags FROM json_each(@blocks) b CROSS JOIN result r
      WHERE r.analysis_id = @analysisId AND r.block = b.value`)
    .raw();
  for (const [entry, roi, position, flags] of results.all({ blocks, analysisId })) {
    const frame = frames.get(entry);
    if (frame === undefined) continue;
    frame.position[roi] = position ?? Number.NaN;
    frame.flags[roi] = flags;
  }
  return frames;
}
