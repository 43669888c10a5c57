// Positions and their standard errors by frame, in full precision. The outcomes are faster to read, but hold only flags and
// single-precision positions.
import type { Connection } from "./connection.ts";
import { BLOCK_BITS } from "./schema.ts";

/** Number of entries per query. */
const CHUNK = 256;

/** Positions of all ROIs of a frame, px; NaN where there is none. */
export interface FramePositions {
  readonly position: Float64Array;
  readonly standardError: Float64Array;
}

/** Returns, for each entry, the positions of all ROIs and their standard errors, px. Entries without a result are left out. */
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
    // Reads whole blocks: one query per row would take longer than skipping the unwanted rows.
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
