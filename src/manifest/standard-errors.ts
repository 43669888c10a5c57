// Standard errors frame by frame: the outcomes, which are quick to go through, hold positions and flags only.
import type { Connection } from "./connection.ts";
import { BLOCK_BITS } from "./schema.ts";

/** Entries asked for in one query. */
const CHUNK = 256;

/** Per entry the standard errors of all ROIs, px, NaN where there is none; entries without a result are left out. */
export function standardErrors(
  { db }: Connection,
  analysisId: number,
  entries: readonly number[],
  rois: number,
): Map<number, Float64Array> {
  const read = db
    .prepare<[{ analysisId: number; blocks: string }], [number, number, number | null]>(`
      SELECT r.entry_id, r.roi, r.standard_error FROM json_each(@blocks) b CROSS JOIN result r
      WHERE r.analysis_id = @analysisId AND r.block = b.value`)
    .raw();
  const found = new Map<number, Float64Array>();
  for (let from = 0; from < entries.length; from += CHUNK) {
    const some = entries.slice(from, from + CHUNK);
    // Whole blocks: asking SQLite about each row takes longer than leaving some out.
    const wanted = new Set(some);
    const blocks = [...new Set(some.map((entry) => entry >> BLOCK_BITS))];
    for (const [entry, roi, error] of read.all({ analysisId, blocks: JSON.stringify(blocks) })) {
      if (!wanted.has(entry)) continue;
      let errors = found.get(entry);
      if (errors === undefined) {
        errors = new Float64Array(rois).fill(Number.NaN);
        found.set(entry, errors);
      }
      errors[roi] = error ?? Number.NaN;
    }
  }
  return found;
}
