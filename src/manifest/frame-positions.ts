// Positions and their standard errors frame by frame, in full precision: the outcomes, which are quick to go through, hold
// positions in single precision, and flags.
import type { Connection } from "./connection.ts";
import { BLOCK_BITS } from "./schema.ts";

/** Entries asked for in one query. */
const CHUNK = 256;

/** All ROIs of a frame, px; NaN where there is none. */
export interface FramePositions {
  readonly position: Float64Array;
  readonly standardError: Float64Array;
}

/** Per entry the positions of all ROIs and their standard errors, px; entries without a result are left out. */
export function framePositions(
  { db }: Connection,
  analysisId: number,
  entries: readonly number[],
  rois: number,
): Map<number, FramePositions> {
  const read = db
    .prepare<[{ analysisId: number; blocks: string }], [number, number, number | null, number | null]>(`
      SELECT r.entry_id, r.roi, r.position, r.standard_error FROM json_each(@blocks) b CROSS JOIN result r
      WHERE r.analysis_id = @analysisId AND r.block = b.value`)
    .raw();
  const found = new Map<number, FramePositions>();
  for (let from = 0; from < entries.length; from += CHUNK) {
    const some = entries.slice(from, from + CHUNK);
    // Whole blocks: asking SQLite about each row takes longer than leaving some out.
    const wanted = new Set(some);
    const blocks = [...new Set(some.map((entry) => entry >> BLOCK_BITS))];
    for (const [entry, roi, position, error] of read.all({ analysisId, blocks: JSON.stringify(blocks) })) {
      if (!wanted.has(entry)) continue;
      let frame = found.get(entry);
      if (frame === undefined) {
        const none = new Float64Array(rois).fill(Number.NaN);
        frame = { position: none, standardError: none.slice() };
        found.set(entry, frame);
      }
      frame.position[roi] = position ?? Number.NaN;
      frame.standardError[roi] = error ?? Number.NaN;
    }
  }
  return found;
}
