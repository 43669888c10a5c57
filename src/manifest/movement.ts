// Where the chip is in the picture: the patches an analysis compares with, and each frame's displacement.
import type { Database } from "better-sqlite3";
import type { Displacement } from "../measurement/displacement.ts";
import type { Connection } from "./connection.ts";

/** A frame's displacement as stored. */
export interface StoredDisplacement extends Displacement {
  readonly entryId: number;
  /** Further than the ROIs allow. */
  readonly astray: boolean;
}

/** Within a transaction: stores the displacement that belongs to an outcome. */
export function insertDisplacement(db: Database, outcomeId: number, moved: Displacement, astray: boolean): void {
  db.prepare("INSERT INTO displacement VALUES (?, ?, ?, ?, ?, ?, ?)").run(
    outcomeId,
    moved.dx,
    moved.dy,
    moved.turnDegrees,
    moved.errorPx,
    moved.patches,
    astray ? 1 : 0,
  );
}

/** The encoded reference of an analysis, of length 0 where there was nothing to hold on to. */
export function driftReferenceOf({ db }: Connection, analysisId: number): Uint8Array | undefined {
  return db
    .prepare<[number], Buffer>("SELECT patches FROM drift_reference WHERE analysis_id = ?")
    .pluck()
    .get(analysisId);
}

/** Keeps the reference of an analysis; the first one stays. */
export function keepDriftReference({ db }: Connection, analysisId: number, reference: Uint8Array): void {
  db.prepare("INSERT OR IGNORE INTO drift_reference VALUES (?, ?)").run(analysisId, Buffer.from(reference));
}

const LATEST = `
  SELECT o.entry_id AS entryId, d.dx, d.dy, d.turn_degrees AS turnDegrees, d.standard_error AS errorPx, d.patches, d.astray
  FROM displacement d JOIN outcome o ON o.id = d.outcome_id`;

interface Row extends Omit<StoredDisplacement, "astray" | "errorPx"> {
  readonly errorPx: number | null;
  readonly astray: number;
}

/** The displacements of an analysis in order of entries. */
export function displacements({ db }: Connection, analysisId: number): StoredDisplacement[] {
  return db.prepare<[number], Row>(`${LATEST} WHERE o.analysis_id = ? ORDER BY o.entry_id`).all(analysisId).map(stored);
}

/** The displacement measured last, whatever the analysis. */
export function lastDisplacement({ db }: Connection): StoredDisplacement | undefined {
  const row = db.prepare<[], Row>(`${LATEST} ORDER BY d.outcome_id DESC LIMIT 1`).get();
  return row === undefined ? undefined : stored(row);
}

function stored(row: Row): StoredDisplacement {
  return { ...row, errorPx: row.errorPx ?? Number.NaN, astray: row.astray === 1 };
}
