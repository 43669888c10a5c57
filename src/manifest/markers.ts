// What people said of the experiment: markers (a moment and a text, such as an injection), and the baseline they chose.
import type { TimeWindow } from "../measurement/time-window.ts";
import type { Connection } from "./connection.ts";

/** A moment with a text. */
export interface Marker {
  readonly markerId: number;
  readonly atUs: number;
  readonly text: string;
}

/** Longest text of a marker, characters. */
export const LONGEST_MARKER = 200;
/** So many are kept; more would hide the curves, and somebody is filling the disk. */
export const MOST_MARKERS = 1000;

export class Markers {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Adds a marker; returns its id. undefined, and nothing added, when there are MOST_MARKERS already. */
  add(atUs: number, text: string, nowUs: number): number | undefined {
    const { db, write } = this.#connection;
    return write(() => {
      const { changes, lastInsertRowid } = db
        .prepare("INSERT INTO marker (at_us, text, made_at_us) SELECT ?, ?, ? WHERE (SELECT count(*) FROM marker) < ?")
        .run(atUs, text, nowUs, MOST_MARKERS);
      return changes === 1 ? Number(lastInsertRowid) : undefined;
    });
  }

  /** Removes a marker; false when there is none of this id. */
  remove(markerId: number): boolean {
    const { db, write } = this.#connection;
    return write(() => db.prepare("DELETE FROM marker WHERE id = ?").run(markerId).changes === 1);
  }

  /** All markers in order of time. */
  all(): Marker[] {
    return this.#connection.db
      .prepare<[], Marker>("SELECT id AS markerId, at_us AS atUs, text FROM marker ORDER BY at_us, id")
      .all();
  }

  /** The baseline that was chosen; undefined while the configuration's applies. */
  baseline(): TimeWindow | undefined {
    return this.#connection.db
      .prepare<[], TimeWindow>("SELECT from_us AS fromUs, to_us AS toUs FROM baseline WHERE id = 1")
      .get();
  }

  /** Chooses a baseline; undefined goes back to the configuration's. */
  setBaseline(window: TimeWindow | undefined, nowUs: number): void {
    const { db, write } = this.#connection;
    write(() => {
      if (window === undefined) db.prepare("DELETE FROM baseline").run();
      else db.prepare("INSERT OR REPLACE INTO baseline VALUES (1, ?, ?, ?)").run(window.fromUs, window.toUs, nowUs);
    });
  }
}
