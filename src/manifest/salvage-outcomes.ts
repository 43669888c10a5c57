// Handles lost or incomplete results in a repaired manifest.
import type { Database } from "better-sqlite3";
import { type Method, QUANTITIES, STATISTICS } from "../measurement/method.ts";
import { packCurve } from "./frame-curve.ts";
import { encodeStatistics } from "./statistics-codec.ts";

const ROIS = "(SELECT count(*) FROM roi WHERE roi_manifest_id = a.roi_manifest_id)";
const ROWS =
  "coalesce((SELECT rows FROM counted c WHERE c.entry_id = o.entry_id AND c.analysis_id = o.analysis_id), 0)";
const WHOLE = `EXISTS (SELECT 1 FROM outcome o JOIN analysis a ON a.id = o.analysis_id WHERE o.entry_id = e.id AND (o.ok = 0
  OR (EXISTS (SELECT 1 FROM detail d WHERE d.outcome_id = o.id) AND ${ROWS} >= ${ROIS})))`;

/** Counts the results per analysis and frame. The table itself stores those of 16 frames interleaved. */
export function countResults(db: Database): void {
  db.exec(`
    CREATE TEMP TABLE counted (analysis_id INTEGER, entry_id INTEGER, rows INTEGER, positions INTEGER,
      PRIMARY KEY (entry_id, analysis_id)) WITHOUT ROWID;
    INSERT INTO counted SELECT analysis_id, entry_id, count(*), count(position) FROM result GROUP BY analysis_id, entry_id;
  `);
}

/** Returns measured frames with incomplete results to the queue, as new, if their image is here. Returns how many. */
export function requeue(db: Database): number {
  db.exec(`
    CREATE TEMP TABLE again AS SELECT id FROM entry e
      WHERE status = 'processed' AND EXISTS (SELECT 1 FROM entry f WHERE f.id = coalesce(e.file_entry_id, e.id)
        AND f.filename IS NOT NULL AND f.local = 1 AND f.missing = 0 AND f.damaged = 0)
      AND origin <> 'imported' AND NOT ${WHOLE};
    DELETE FROM detail WHERE outcome_id IN (SELECT o.id FROM outcome o JOIN again ON again.id = o.entry_id);
    DELETE FROM displacement WHERE outcome_id IN (SELECT o.id FROM outcome o JOIN again ON again.id = o.entry_id);
    DELETE FROM outcome WHERE entry_id IN (SELECT id FROM again);
    DELETE FROM result WHERE entry_id IN (SELECT id FROM again);
    UPDATE entry SET status = 'pending', attempts = 0, processed_at_us = NULL, data_transmitted = 0, measured = 0
      WHERE id IN (SELECT id FROM again);
  `);
  const requeued = db.prepare<[], number>("SELECT count(*) FROM again").pluck().get() ?? 0;
  db.exec("DROP TABLE again");
  return requeued;
}

/**
 * Lets the ring buffer keep the image of a frame that has no position or not every result, because the image is all there is of
 * it. Includes frames with rebuilt rows, and imported ones, which are not measured again.
 */
export function keepUnmeasured(db: Database): void {
  db.exec(`
    UPDATE entry AS e SET measured = 0 WHERE measured = 1 AND (NOT ${WHOLE} OR NOT EXISTS (
      SELECT 1 FROM outcome o JOIN counted c ON c.entry_id = o.entry_id AND c.analysis_id = o.analysis_id
      WHERE o.entry_id = e.id AND o.ok = 1 AND c.positions > 0));
  `);
}

/** Completes results whose image is not here with unknown values, because they cannot be measured again. */
export function completeOutcomes(db: Database, nowUs: number): number {
  const rows = db.prepare<[number, number, number], { roi: number; position: number | null; flags: number }>(
    "SELECT roi, position, flags FROM result WHERE analysis_id = ? AND block = ? >> 4 AND entry_id = ? ORDER BY roi",
  );
  const headless = db
    .prepare<[], { entry: number; analysis: number; processed: number | null; rois: number }>(`
      SELECT e.id AS entry, a.id AS analysis, e.processed_at_us AS processed, ${ROIS} AS rois
      FROM entry e JOIN counted r ON r.entry_id = e.id
        JOIN analysis a ON a.id = r.analysis_id
      WHERE e.status = 'processed' AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.entry_id = e.id)
        AND a.id NOT IN (SELECT tracking_id FROM companion)`)
    .all();
  const add = db.prepare(
    "INSERT INTO outcome (entry_id, analysis_id, ok, processed_at_us, curve) VALUES (@entry, @analysis, 1, @at, @curve)",
  );
  for (const { entry, analysis, processed, rois } of headless) {
    const position = new Float64Array(rois).fill(Number.NaN);
    const flags = new Uint8Array(rois);
    for (const row of rows.all(analysis, entry, entry)) {
      position[row.roi] = row.position ?? Number.NaN;
      flags[row.roi] = row.flags;
    }
    add.run({ entry, analysis, at: processed ?? nowUs, curve: packCurve(position, flags) });
  }
  const bare = db
    .prepare<[], { id: number; method: Method; rois: number }>(`
      SELECT o.id, a.method, ${ROIS} AS rois FROM outcome o JOIN analysis a ON a.id = o.analysis_id
      WHERE o.ok = 1 AND NOT EXISTS (SELECT 1 FROM detail d WHERE d.outcome_id = o.id)`)
    .all();
  const detail = db.prepare("INSERT INTO detail (outcome_id, statistics) VALUES (?, ?)");
  for (const { id, method, rois } of bare) {
    const perRoi = STATISTICS.length * QUANTITIES[method].length;
    detail.run(id, encodeStatistics(new Float64Array(rois * perRoi).fill(Number.NaN), perRoi));
  }
  return (
    db
      .prepare<[], number>(`
        SELECT count(*) FROM entry e WHERE status = 'processed' AND coalesce(filename, file_entry_id) IS NOT NULL AND origin <> 'imported'
          AND (NOT ${WHOLE} OR id IN (SELECT entry_id FROM outcome WHERE ok = 1 AND brightness IS NULL))`)
      .pluck()
      .get() ?? 0
  );
}

/** Work that was in progress when the damage was found had not failed. */
