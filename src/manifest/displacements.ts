// Displacements: how far the chip moved in each frame.
import type { Displacement } from "../measurement/displacement.ts";
import type { Connection } from "./connection.ts";

/** A frame's displacement as stored. */
export interface StoredDisplacement extends Displacement {
  readonly entryId: number;
  /** Whether the chip moved further than the ROIs allow. */
  readonly movedTooFar: boolean;
}

const LATEST = `
  SELECT o.entry_id AS entryId, d.dx, d.dy, d.turn_degrees AS turnDegrees, d.standard_error AS errorPx, d.patches, d.astray AS movedTooFar
  FROM displacement d JOIN outcome o ON o.id = d.outcome_id`;

interface Row extends Omit<StoredDisplacement, "movedTooFar" | "errorPx"> {
  readonly errorPx: number | null;
  readonly movedTooFar: number;
}

export class Displacements {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Stores the displacement that belongs to an outcome. Call within a transaction. */
  insert(outcomeId: number, moved: Displacement, movedTooFar: boolean): void {
    this.#connection.db
      .prepare("INSERT INTO displacement VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(outcomeId, moved.dx, moved.dy, moved.turnDegrees, moved.errorPx, moved.patches, movedTooFar ? 1 : 0);
  }

  /** Returns the displacements of an analysis in order of entries. */
  of(analysisId: number): StoredDisplacement[] {
    return this.#connection.db
      .prepare<[number], Row>(`${LATEST} WHERE o.analysis_id = ? ORDER BY o.entry_id`)
      .all(analysisId)
      .map(stored);
  }

  /** Returns the displacement measured last, in any analysis. */
  last(): StoredDisplacement | undefined {
    const row = this.#connection.db.prepare<[], Row>(`${LATEST} ORDER BY d.outcome_id DESC LIMIT 1`).get();
    return row === undefined ? undefined : stored(row);
  }
}

function stored(row: Row): StoredDisplacement {
  return { ...row, errorPx: row.errorPx ?? Number.NaN, movedTooFar: row.movedTooFar === 1 };
}
