// Readings of the sensors when frames were captured.
import type { Statement } from "better-sqlite3";
import type { Reading } from "../sensors/thermometer.ts";
import type { Connection } from "./connection.ts";

/** A reading and the entry that it belongs to. */
export interface TimedReading extends Reading {
  readonly entryId: number;
}

export interface Sensor {
  readonly sensor: string;
  readonly unit: string;
}

interface ReadingRow {
  sensor: string;
  value: number | null;
  unit: string;
  taken_at_us: number;
  error: string | null;
}

export class Readings {
  readonly #connection: Connection;
  readonly #ofEntry: Statement<[number], ReadingRow>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#ofEntry = connection.db.prepare(
      "SELECT sensor, value, unit, taken_at_us, error FROM reading WHERE entry_id = ? ORDER BY sensor",
    );
  }

  /** Returns the readings taken with an entry. */
  of(entryId: number): Reading[] {
    return this.#ofEntry.all(entryId).map(({ taken_at_us, value, error, ...rest }) => ({
      ...rest,
      value: value ?? undefined,
      error: error ?? undefined,
      takenAtUs: taken_at_us,
    }));
  }

  /** Returns every sensor that has a reading. */
  sensors(): Sensor[] {
    return this.#connection.db.prepare<[], Sensor>("SELECT DISTINCT sensor, unit FROM reading ORDER BY sensor").all();
  }

  /** Returns the readings of up to `limit` entries after an entry, in order of ids. */
  after(afterEntryId: number, limit: number): TimedReading[] {
    return this.#connection.db
      .prepare<
        [{ after: number; limit: number }],
        { entryId: number; value: number | null; error: string | null } & Omit<Reading, "value" | "error">
      >(`
        SELECT entry_id AS entryId, sensor, value, unit, taken_at_us AS takenAtUs, error FROM reading
        WHERE entry_id > @after AND entry_id <= (SELECT coalesce(max(id), @after) FROM (SELECT id FROM entry WHERE id > @after ORDER BY id LIMIT @limit))
        ORDER BY entry_id, sensor`)
      .all({ after: afterEntryId, limit })
      .map((row) => ({ ...row, value: row.value ?? undefined, error: row.error ?? undefined }));
  }
}
