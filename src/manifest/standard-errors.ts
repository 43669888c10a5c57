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
    .prepare<[{ analysisId: number; blocks: string; entries: string }], [number, number, number | null]>(`
      SELECT r.entry_id, r.roi, r.standard_error FROM json_each(@blocks) b CROSS JOIN result r
      WHERE r.analysis_id = @analysisId AND r.block = b.value
        AND r.entry_id IN (SELECT value FROM json_each(@entries))`)
    .raw();
  const found = new Map<number, Float64Array>();
  for (let from = 0; from < entries.length; from += CHUNK) {
    const some = entries.slice(from, from + CHUNK);
    const blocks = [...new Set(some.map((entry) => entry >> BLOCK_BITS))];
    for (const [entry, roi, error] of read.iterate({
      analysisId,
      blocks: JSON.stringify(blocks),
      entries: JSON.stringify(some),
    })) {
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
