// Reads which channel, z plane and position the frames of an experiment are of, before the database is opened (and possibly
// migrated).
import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { SERIES, seriesOfRecord } from "../cameras/series-record.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import { BUSY_TIMEOUT_MS } from "./reading.ts";

/**
 * Returns the axes of the newest frame whose axes are recorded; undefined if there is none: before the first frame, for files
 * that state none, and for experiments of earlier versions.
 */
export function takenSeries(file: string): ImageAxes | undefined {
  if (!existsSync(file)) return undefined;
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    // A run that was killed right after its start leaves a file without tables.
    if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'entry'").get() === undefined) return undefined;
    const record = db
      .prepare<[string], string>(`
        SELECT settings ->> '${SERIES}' FROM entry WHERE settings LIKE ? AND json_valid(settings) ORDER BY id DESC LIMIT 1`)
      .pluck()
      .get(`%"${SERIES}"%`);
    return seriesOfRecord(record);
  } finally {
    db.close();
  }
}
