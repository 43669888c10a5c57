// What tracking compares with, and the trackings that were carried beside another method.
import type { Database } from "better-sqlite3";
import type { CompanionResult } from "../analysis/task.ts";
import type { Connection } from "./connection.ts";

/** A tracking carried beside a result; its positions are rows of its own analysis. */
export interface StoredCompanion extends CompanionResult {
  readonly analysisId: number;
}

/** The encoded reference of an analysis; undefined before its first frame. */
export function trackingReferenceOf({ db }: Connection, analysisId: number): Uint8Array | undefined {
  return db
    .prepare<[number], Buffer>("SELECT reference FROM tracking_reference WHERE analysis_id = ?")
    .pluck()
    .get(analysisId);
}

/** Keeps the reference of an analysis; it grows from frame to frame until it is complete. */
export function keepTrackingReference({ db }: Connection, analysisId: number, reference: Uint8Array): void {
  db.prepare("INSERT OR REPLACE INTO tracking_reference VALUES (?, ?)").run(analysisId, Buffer.from(reference));
}

/** Notes that a tracking is carried beside an analysis. */
export function noteCompanion({ db }: Connection, analysisId: number, trackingId: number): void {
  db.prepare("INSERT OR IGNORE INTO companion VALUES (?, ?)").run(analysisId, trackingId);
}

/** The trackings carried beside an analysis, the newest first. */
export function companionsOf(db: Database, analysisId: number): number[] {
  return db
    .prepare<[number], number>("SELECT tracking_id FROM companion WHERE analysis_id = ? ORDER BY tracking_id DESC")
    .pluck()
    .all(analysisId);
}
