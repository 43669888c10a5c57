// Contents: copies entries with everything that belongs to them to another manifest of the experiment, and verifies the copy.
import type { Connection } from "./connection.ts";
import { BLOCK_BITS } from "./schema.ts";

/** An entry and its outcomes, as an archive holds them. */
export interface ArchivedEntry {
  readonly entryId: number;
  /** Ascending. */
  readonly outcomeIds: readonly number[];
}

/** Tables that entries refer to. They are small, so they are copied whole. */
const CONTEXT = [
  "roi_manifest",
  "roi",
  "run",
  "analysis",
  "drift_reference",
  "tracking_reference",
  "chosen_line",
  "companion",
] as const;
/** SQL for the analyses that measured an entry: those of its outcomes, and the trackings measured along with them. */
export const ANALYSES_OF_ENTRY = `SELECT analysis_id FROM outcome WHERE entry_id = @id
  UNION SELECT c.tracking_id FROM outcome o JOIN companion c USING (analysis_id) WHERE o.entry_id = @id`;

/** The tables whose rows belong to an entry, and the condition that finds them. */
const BELONGINGS: Readonly<Record<string, string>> = {
  entry: "id = @id",
  reading: "entry_id = @id",
  outcome: "entry_id = @id",
  detail: "outcome_id IN (SELECT id FROM outcome WHERE entry_id = @id)",
  displacement: "outcome_id IN (SELECT id FROM outcome WHERE entry_id = @id)",
  result: `analysis_id IN (${ANALYSES_OF_ENTRY}) AND block = @id >> ${BLOCK_BITS} AND entry_id = @id`,
};

export class Contents {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Returns every entry and its outcomes. */
  all(): ArchivedEntry[] {
    return this.#connection.db
      .prepare<[], { id: number; outcomes: string }>(`
        SELECT e.id, (SELECT json_group_array(o.id ORDER BY o.id) FROM outcome o WHERE o.entry_id = e.id) AS outcomes
        FROM entry e ORDER BY e.id`)
      .all()
      .map(({ id, outcomes }) => ({ entryId: id, outcomeIds: JSON.parse(outcomes) }));
  }

  /** Counts the rows of `entryIds` by table (all rows if absent). Equal counts show that a copy is complete. */
  tally(entryIds?: readonly number[]): Record<string, number> {
    const { db } = this.#connection;
    const counts = Object.entries(BELONGINGS).map(([table, where]): [string, number] => {
      if (entryIds === undefined) {
        return [table, db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0];
      }
      const count = db.prepare<[{ id: number }], number>(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck();
      return [table, entryIds.reduce((sum, id) => sum + (count.get({ id }) ?? 0), 0)];
    });
    return Object.fromEntries(counts);
  }

  /** Copies what all entries refer to (runs, analyses, ROIs) to another manifest of the experiment. */
  copyContextTo(target: Contents): void {
    const source = this.#connection;
    target.#connection.write(() => {
      for (const table of CONTEXT) {
        const insert = inserter(source, target.#connection, table);
        for (const row of source.db.prepare<[], unknown[]>(`SELECT * FROM ${table}`).raw().iterate()) insert(row);
      }
    });
  }

  /** Copies entries with all that belongs to them, in one transaction. Rows that exist already are not changed. */
  copyEntriesTo(target: Contents, entryIds: readonly number[]): void {
    const source = this.#connection;
    target.#connection.write(() => {
      source.db.transaction(() => {
        for (const [table, where] of Object.entries(BELONGINGS)) {
          const insert = inserter(source, target.#connection, table);
          const select = source.db.prepare<[{ id: number }], unknown[]>(`SELECT * FROM ${table} WHERE ${where}`).raw();
          for (const id of entryIds) for (const row of select.iterate({ id })) insert(row);
        }
      })();
    });
  }
}

/** Skips only rows that exist already; throws on any other conflict, which is a bug. */
function inserter(source: Connection, target: Connection, table: string): (row: unknown[]) => void {
  const columns = source.db.prepare<[], { name: string; pk: number }>(`PRAGMA table_info(${table})`).all();
  const names = columns.map(({ name }) => name);
  const key = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  const insert = target.db.prepare<unknown[]>(`
    INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
    ON CONFLICT (${key.join(", ")}) DO NOTHING`);
  return (row) => insert.run(...row);
}
