// Counts the frames of each analysis, and decides which analysis is shown by default.
import type { Database } from "better-sqlite3";
import { IS_OF_ANALYSIS } from "./along-curves.ts";

/** The frames of an analysis. */
export interface FrameCount {
  /** Number of frames that it measured successfully. */
  readonly frames: number;
  /** The analysis that it was measured along with, and whose outcomes its frames have; undefined: it has its own. */
  readonly alongWith: number | undefined;
}

interface Counts {
  /** By id of the analysis, only those that have measured a frame. */
  readonly frames: ReadonlyMap<number, FrameCount>;
  /** The analysis that is shown by default; undefined while nothing is measured. */
  readonly shown: number | undefined;
}

interface Outcomes {
  readonly id: number;
  readonly settled: number;
  readonly measured: number;
}

/** Returns a key that changes when an outcome is added or removed. */
export function outcomesKey(db: Database): string {
  const key = db
    .prepare<[], unknown>(`
      SELECT (SELECT count(*) FROM analysis), (SELECT max(id) FROM outcome), (SELECT max(id) FROM outcome WHERE id < 0),
        (SELECT min(id) FROM outcome WHERE id > 0), (SELECT max(id) FROM archive WHERE moved_at_us IS NOT NULL)`)
    .raw()
    .get();
  return JSON.stringify(key);
}

/** Counts the frames of each analysis. This reads every outcome. */
export function countFrames(db: Database): Counts {
  const outcomes = db
    .prepare<[], Outcomes>(
      "SELECT analysis_id AS id, count(*) AS settled, sum(ok) AS measured FROM outcome GROUP BY analysis_id ORDER BY id",
    )
    .all()
    .filter(({ measured }) => measured > 0);
  const frames = new Map<number, FrameCount>(
    outcomes.map(({ id, measured }) => [id, { frames: measured, alongWith: undefined }]),
  );
  for (const [id, measured] of countAlong(db)) {
    if (measured === 0) continue;
    frames.set(id, { frames: measured, alongWith: frames.has(id) ? undefined : carrierOf(db, id) });
  }
  const shown = outcomes.length < 2 ? outcomes[0]?.id : (newestComplete(db, outcomes) ?? lastOfRun(db));
  return { frames, shown };
}

/** Counts the frames of each analysis that was measured along with another. */
function countAlong(db: Database): ReadonlyMap<number, number> {
  const ids = db.prepare<[], number>("SELECT DISTINCT tracking_id FROM companion").pluck().all();
  const count = db.prepare<[{ id: number }], number>(`SELECT count(*) FROM outcome o WHERE ${IS_OF_ANALYSIS}`).pluck();
  return new Map(ids.map((id) => [id, count.get({ id }) ?? 0]));
}

/** Returns the newest analysis that this one was measured along with. */
export function carrierOf(db: Database, analysisId: number): number | undefined {
  return db
    .prepare<[number], number>("SELECT analysis_id FROM companion WHERE tracking_id = ? ORDER BY analysis_id DESC")
    .pluck()
    .get(analysisId);
}

/** Returns the newest analysis that has dealt with every frame. A failed frame counts as dealt with. */
function newestComplete(db: Database, outcomes: readonly Outcomes[]): number | undefined {
  const all = db.prepare<[], number>("SELECT count(DISTINCT entry_id) FROM outcome").pluck().get();
  return outcomes.findLast(({ settled }) => settled === all)?.id;
}

/**
 * Returns the analysis of the newest frame that a run measured. The time of capture decides: a merge adds the results of older
 * frames after those of newer ones.
 */
function lastOfRun(db: Database): number | undefined {
  return db
    .prepare<[], number>(`
      SELECT o.analysis_id FROM analysis a
      JOIN outcome o ON o.id = (SELECT max(id) FROM outcome WHERE analysis_id = a.id AND ok = 1)
      JOIN entry e ON e.id = o.entry_id
      ORDER BY o.id > 0 DESC, e.captured_at_us DESC, o.id DESC LIMIT 1`)
    .pluck()
    .get();
}
