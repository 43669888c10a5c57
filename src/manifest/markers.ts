// User annotations: markers (a time and a text, such as "buffer on"), and the baseline that users choose.
import { Failure } from "../failure/failure.ts";
import { concentrationText } from "../measurement/concentration.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { Connection } from "./connection.ts";
import { Injections } from "./injections.ts";

/** A time with a text. */
export interface Marker {
  readonly markerId: number;
  readonly atUs: number;
  readonly text: string;
}

/** A marker that is not stored yet. */
export type NewMarker = Pick<Marker, "atUs" | "text">;

/** A change to the markers or the baseline, requested by the page or the command line. */
export type MarkerChange =
  /** Adds all of them, or none. */
  | { readonly type: "add-markers"; readonly markers: readonly NewMarker[] }
  /** Fields that are undefined keep their value. */
  | {
      readonly type: "edit-marker";
      readonly markerId: number;
      readonly atUs?: number | undefined;
      readonly text?: string | undefined;
    }
  | { readonly type: "remove-marker"; readonly markerId: number }
  | { readonly type: "set-baseline"; readonly fromUs: number; readonly toUs: number }
  | { readonly type: "forget-baseline" };

/** Longest text of a marker, characters. */
export const LONGEST_MARKER = 200;
/** Largest number of markers. More would hide the curves, and can only come from a program that fills the disk. */
export const MOST_MARKERS = 1000;

export class Markers {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Adds a marker; returns its id. Returns undefined, with nothing added, if there are MOST_MARKERS already. */
  add(atUs: number, text: string, nowUs: number): number | undefined {
    const { db, write } = this.#connection;
    return write(() => {
      const { changes, lastInsertRowid } = db
        .prepare("INSERT INTO marker (at_us, text, made_at_us) SELECT ?, ?, ? WHERE (SELECT count(*) FROM marker) < ?")
        .run(atUs, text, nowUs, MOST_MARKERS);
      return changes === 1 ? Number(lastInsertRowid) : undefined;
    });
  }

  /** Changes the time or the text of a marker; returns false if the id does not exist. */
  edit(markerId: number, { atUs, text }: Partial<NewMarker>): boolean {
    const { db, write } = this.#connection;
    const sql = "UPDATE marker SET at_us = coalesce(?, at_us), text = coalesce(?, text) WHERE id = ?";
    return write(() => db.prepare(sql).run(atUs, text, markerId).changes === 1);
  }

  /**
   * Makes a change; returns what was done, for the log. Throws Failure `usage.invalid`, with nothing changed, if a marker does
   * not exist or if there would be too many.
   */
  change(change: MarkerChange, nowUs: number): string {
    switch (change.type) {
      case "add-markers":
        return this.#addAll(change.markers, nowUs);
      case "edit-marker":
        if (!this.edit(change.markerId, change)) throw noMarker(change.markerId);
        return `changed marker ${change.markerId}`;
      case "remove-marker":
        if (!this.remove(change.markerId)) throw noMarker(change.markerId);
        return `removed marker ${change.markerId}`;
      case "set-baseline":
        this.setBaseline({ fromUs: change.fromUs, toUs: change.toUs }, nowUs);
        return "set the baseline";
      case "forget-baseline":
        this.setBaseline(undefined, nowUs);
        return "reset the baseline to the configured one";
    }
  }

  #addAll(markers: readonly NewMarker[], nowUs: number): string {
    this.#connection.write(() => {
      for (const { atUs, text } of markers) {
        if (this.add(atUs, text, nowUs) === undefined) {
          throw new Failure("usage.invalid", `there would be more than ${MOST_MARKERS} markers, which is the limit`, {
            hint: "remove some",
          });
        }
      }
    });
    return markers.length === 1 ? `added the marker ${markers[0]?.text}` : `added ${markers.length} markers`;
  }

  /** Removes a marker; returns false if the id does not exist. */
  remove(markerId: number): boolean {
    const { db, write } = this.#connection;
    return write(() => db.prepare("DELETE FROM marker WHERE id = ?").run(markerId).changes === 1);
  }

  /** Returns all markers in order of time. */
  all(): Marker[] {
    return this.#connection.db
      .prepare<[], Marker>("SELECT id AS markerId, at_us AS atUs, text FROM marker ORDER BY at_us, id")
      .all();
  }

  /** Returns all times with a text, ascending: markers, and the starts of injections. */
  events(): NewMarker[] {
    const injections = new Injections(this.#connection).all().map(({ startUs: atUs, solution, concentration }) => {
      const text = (concentration ?? 0) === 0 ? solution : `${solution} ${concentrationText(concentration as number)}`;
      return { atUs, text };
    });
    return [...this.all().map(({ atUs, text }) => ({ atUs, text })), ...injections].sort((a, b) => a.atUs - b.atUs);
  }

  /** Returns the times that no baseline may contain, ascending: markers, and both ends of injections. */
  moments(): number[] {
    const sql = `SELECT at_us FROM marker UNION SELECT start_us FROM injection UNION SELECT end_us FROM injection ORDER BY 1`;
    return this.#connection.db.prepare<[], number>(sql).pluck().all();
  }

  /** Returns the start of the first injection. */
  firstInjectionUs(): number | undefined {
    return (
      this.#connection.db.prepare<[], number | null>("SELECT min(start_us) FROM injection").pluck().get() ?? undefined
    );
  }

  /** Returns the chosen baseline; undefined if the one of the configuration applies. */
  baseline(): TimeWindow | undefined {
    return this.#connection.db
      .prepare<[], TimeWindow>("SELECT from_us AS fromUs, to_us AS toUs FROM baseline WHERE id = 1")
      .get();
  }

  /** Sets the baseline; undefined returns to the one of the configuration. */
  setBaseline(window: TimeWindow | undefined, nowUs: number): void {
    const { db, write } = this.#connection;
    write(() => {
      if (window === undefined) db.prepare("DELETE FROM baseline").run();
      else db.prepare("INSERT OR REPLACE INTO baseline VALUES (1, ?, ?, ?)").run(window.fromUs, window.toUs, nowUs);
    });
  }
}

function noMarker(markerId: number): Failure {
  return new Failure("usage.invalid", `there is no marker ${markerId}`, {
    hint: "it may have been removed; `phorest markers list` shows all of them",
  });
}
