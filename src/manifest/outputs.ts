// Outputs: how far each one has got through the outcomes, and which entries all of them have passed.
import type { Statement } from "better-sqlite3";
import type { Connection } from "./connection.ts";

export interface OutputState {
  /** The last outcome delivered. */
  readonly cursor: number;
  /** State that the output stores with its cursor. */
  readonly state: string | undefined;
}

interface OutputRow {
  cursor: number;
  state: string | null;
}

export class Outputs {
  readonly #connection: Connection;
  #selectState: Statement<[string], OutputRow> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Sets the outputs that must have passed a frame before it counts as transmitted. The cursors of other outputs are kept but not
   * waited for.
   */
  configure(names: readonly string[]): void {
    const { db } = this.#connection;
    this.#connection.write(() => {
      db.prepare("UPDATE output SET active = 0").run();
      const add = db.prepare(
        "INSERT INTO output (name, active) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET active = 1",
      );
      for (const name of names) add.run(name);
      this.#markTransmitted();
    });
  }

  /** Returns how far an output has got; the beginning for an unknown one. */
  state(name: string): OutputState {
    this.#selectState ??= this.#connection.db.prepare<[string], OutputRow>(
      "SELECT cursor, state FROM output WHERE name = ?",
    );
    const row = this.#selectState.get(name);
    return { cursor: row?.cursor ?? 0, state: row?.state ?? undefined };
  }

  /** Advances the cursor of an output. A cursor behind the current one is a bug and changes nothing. */
  advance(name: string, cursor: number, state?: string): void {
    const { db } = this.#connection;
    this.#connection.write(() => {
      const { changes } = db
        .prepare("UPDATE output SET cursor = ?, state = ? WHERE name = ? AND cursor <= ?")
        .run(cursor, state ?? null, name, cursor);
      if (changes === 0) {
        const isKnown = db.prepare("SELECT 1 FROM output WHERE name = ?").get(name) !== undefined;
        const why = isKnown
          ? `is already past outcome ${cursor}`
          : "is unknown: outputs.configure() must name it first";
        throw new RangeError(`output ${name} ${why}`);
      }
      this.#markTransmitted();
    });
  }

  /**
   * Counts the outcomes that an active output has yet to pass (without a name: that any output has); 0 without outputs. The count
   * is never too low, and it is exact at 0.
   */
  backlog(name?: string): number {
    return (
      this.#connection.db
        .prepare<[{ name: string | null }], number>(`
          SELECT max(0, coalesce((SELECT max(id) FROM outcome), 0) - coalesce(min(cursor), 9e15)) FROM output
          WHERE active = 1 AND (@name IS NULL OR name = @name)`)
        .pluck()
        .get({ name: name ?? null }) ?? 0
    );
  }

  /** Returns the names of the active outputs. */
  names(): string[] {
    return this.#connection.db
      .prepare<[], string>("SELECT name FROM output WHERE active = 1 ORDER BY name")
      .pluck()
      .all();
  }

  /** Updates only the outcomes passed since the last call, however long the history is. */
  #markTransmitted(): void {
    const { db } = this.#connection;
    const passed = db.prepare<[], number | null>("SELECT min(cursor) FROM output WHERE active = 1").pluck().get() ?? 0;
    db.prepare(`
      UPDATE entry SET data_transmitted = 1 WHERE data_transmitted = 0 AND id IN
        (SELECT entry_id FROM outcome WHERE id > (SELECT cursor FROM delivery) AND id <= ?)`).run(passed);
    db.prepare("UPDATE delivery SET cursor = max(cursor, ?)").run(passed);
  }
}
