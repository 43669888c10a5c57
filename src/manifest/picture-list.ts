// Lists the frames that have an image, so that some of them can be chosen.
import type { Connection } from "./connection.ts";
import { JOIN_FILE } from "./page-rows.ts";

/** A frame with an image. */
export interface PictureTime {
  readonly entryId: number;
  readonly capturedAtUs: number;
}

interface Row {
  id: number;
  captured_at_us: number;
}

const FROM_PICTURES = `FROM entry e ${JOIN_FILE} WHERE coalesce(e.filename, f.filename) IS NOT NULL
  AND coalesce(f.missing, e.missing) = 0`;

export class PictureList {
  readonly #db: Connection["db"];

  constructor({ db }: Connection) {
    this.#db = db;
  }

  /**
   * Returns about `most` frames with an image, evenly spread over the entry ids, including the first and the last; in order of
   * ids.
   */
  spread(most: number): PictureTime[] {
    const { first, last } = this.#db
      .prepare<[], { first: number | null; last: number | null }>(
        `SELECT min(e.id) AS first, max(e.id) AS last ${FROM_PICTURES}`,
      )
      .get() ?? { first: null, last: null };
    if (first === null || last === null) return [];
    const step = Math.max(1, Math.ceil((last - first) / most));
    return this.#db
      .prepare<[{ first: number; last: number; step: number }], Row>(`
        SELECT e.id, e.captured_at_us ${FROM_PICTURES} AND ((e.id - @first) % @step = 0 OR e.id = @last) ORDER BY e.id`)
      .all({ first, last, step })
      .map(({ id, captured_at_us }) => ({ entryId: id, capturedAtUs: captured_at_us }));
  }

  /** Returns when a frame with an image was captured; undefined for a frame without one. */
  timeUs(entryId: number): number | undefined {
    return this.#db.prepare<[number], Row>(`SELECT e.id, e.captured_at_us ${FROM_PICTURES} AND e.id = ?`).get(entryId)
      ?.captured_at_us;
  }
}
