// Merges results, in the order of capture of their frames.
import { insert, type MergeSide } from "./merge-side.ts";
import { BEFORE_ALL } from "./outcome-ids.ts";
import { blockOf } from "./results.ts";

interface Mapped {
  /** Maps each analysis of the other experiment to one in this experiment. */
  readonly analyses: ReadonlyMap<number, number>;
  /** Maps each entry of the other experiment to one in this experiment. */
  readonly idOf: ReadonlyMap<number, number>;
}

interface OutcomeRow {
  readonly id: number;
  readonly entry_id: number;
  readonly analysis_id: number;
  readonly ok: number;
  readonly processed_at_us: number;
}

type ResultRow = [roi: number, position: number | null, error: number | null, quality: number | null, flags: number];

/**
 * Merges the results; returns how many were added. A result replaces a failure, but never a result. Call within a transaction.
 */
export function mergeOutcomes(into: MergeSide, from: MergeSide, { analyses, idOf }: Mapped): number {
  const { db } = into.connection;
  const outcomes = from.connection.db.prepare<[], OutcomeRow>(
    "SELECT o.* FROM outcome o JOIN entry e ON e.id = o.entry_id ORDER BY e.captured_at_us, e.id, o.id",
  );
  const parts = (["detail", "displacement"] as const).map(
    (table) =>
      [table, from.connection.db.prepare<[number], object>(`SELECT * FROM ${table} WHERE outcome_id = ?`)] as const,
  );
  const results = from.connection.db
    .prepare<[number, number, number], ResultRow>(`
      SELECT roi, position, standard_error, quality, flags FROM result WHERE analysis_id = ? AND block = ? AND entry_id = ?`)
    .raw();
  const there = db.prepare<[number, number], { id: number; ok: number }>(
    "SELECT id, ok FROM outcome WHERE entry_id = ? AND analysis_id = ?",
  );
  const forget = db.prepare("DELETE FROM outcome WHERE id = ?");
  const nextAgain = db
    .prepare<[], number>(`SELECT coalesce(max(id), ${BEFORE_ALL}) + 1 FROM outcome WHERE id < 0`)
    .pluck();
  const insertResult = db.prepare("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const again = new Set(
    into.manifest.analyses.all().flatMap((one) => (one.remeasuredAtUs === undefined ? [] : [one.analysisId])),
  );
  let added = 0;
  for (const row of outcomes.iterate()) {
    const entryId = idOf.get(row.entry_id);
    const analysisId = analyses.get(row.analysis_id);
    if (entryId === undefined || analysisId === undefined) continue;
    const known = there.get(entryId, analysisId);
    if (known !== undefined && (known.ok === 1 || row.ok === 0)) continue;
    if (known !== undefined) forget.run(known.id);
    const id = again.has(analysisId) ? nextAgain.get() : null;
    const outcomeId = insert(into.connection, "outcome", { ...row, id, entry_id: entryId, analysis_id: analysisId });
    for (const [table, select] of parts) {
      for (const part of select.all(row.id)) insert(into.connection, table, { ...part, outcome_id: outcomeId });
    }
    // Includes trackings measured along with it.
    for (const theirs of [row.analysis_id, ...from.manifest.analyses.companions(row.analysis_id)]) {
      for (const [roi, ...values] of results.all(theirs, blockOf(row.entry_id), row.entry_id)) {
        insertResult.run(analyses.get(theirs), blockOf(entryId), roi, entryId, ...values);
      }
    }
    if (row.ok === 1) {
      into.manifest.imported.settleMeasured(entryId, row.processed_at_us);
      added += 1;
    }
  }
  return added;
}
