// Tracks the times of the first and the last frame of an analysis, updated with new frames.
import type { CurveManifest } from "../assay/joined.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";

/** The last frame in time is searched among this many most recently measured ones. */
const RECENT = 64;

interface Span {
  /** Number of the last archive. */
  readonly archive: number;
  outcome: number;
  firstUs: number;
  lastUs: number;
}

export class MeasuredSpan {
  readonly #manifest: CurveManifest;
  readonly #known = new Map<number, Span>();

  constructor(manifest: CurveManifest) {
    this.#manifest = manifest;
  }

  /** Returns the times, µs; zeros before the first frame. */
  of(analysisId: number): readonly [firstUs: number, lastUs: number] {
    const archive = this.#manifest.archives.last();
    const before = this.#known.get(analysisId);
    const known = before?.archive === archive ? before : { archive, ...this.#read(analysisId) };
    this.#known.set(analysisId, known);
    for (const { outcomeId, capturedAtUs } of this.#manifest.curves.after(analysisId, known.outcome)) {
      known.outcome = outcomeId;
      known.firstUs = Math.min(known.firstUs, capturedAtUs);
      known.lastUs = Math.max(known.lastUs, capturedAtUs);
    }
    return Number.isFinite(known.firstUs) ? [known.firstUs, known.lastUs] : [0, 0];
  }

  #read(analysisId: number) {
    const first = this.#manifest.curves.within(analysisId, 0, Number.MAX_SAFE_INTEGER).next();
    const last = this.#manifest.curves.latest(analysisId, RECENT);
    return {
      outcome: last.at(-1)?.outcomeId ?? BEFORE_ALL,
      firstUs: first.done === true ? Number.POSITIVE_INFINITY : first.value.capturedAtUs,
      lastUs: Math.max(0, ...last.map(({ capturedAtUs }) => capturedAtUs)),
    };
  }
}
