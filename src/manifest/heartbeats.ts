// Heartbeats: the last status of each stage, for programs that read the database.
import * as z from "zod";
import type { Connection } from "./connection.ts";

export interface Heartbeat {
  readonly stage: string;
  readonly state: string;
  readonly atUs: number;
  readonly detail: string;
  /** Machine-readable form of `detail`; absent if no code needs to act on it. */
  readonly code?: string | undefined;
  /** Absent: the stage has set aside no files. */
  readonly setAside?: StoredSetAside | undefined;
}

/** Files that a stage has set aside because they could not be handled while others could. */
export interface StoredSetAside {
  readonly count: number;
  /** The files that will be retried first. */
  readonly files: readonly {
    readonly name: string;
    /** Completes the sentence "NAME: ...". */
    readonly reason: string;
    readonly failures: number;
    readonly nextTryAtUs: number;
  }[];
}

const SET_ASIDE = z.object({
  count: z.int(),
  files: z.array(z.object({ name: z.string(), reason: z.string(), failures: z.int(), nextTryAtUs: z.number() })),
});

export class Heartbeats {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Stores the heartbeats of the stages, in one transaction. */
  store(beats: readonly Heartbeat[]): void {
    this.#connection.write(() => {
      const beat = this.#connection.db.prepare(
        "INSERT OR REPLACE INTO heartbeat VALUES (@stage, @state, @atUs, @detail, @code, @setAside)",
      );
      for (const { code = null, setAside, ...rest } of beats)
        beat.run({ ...rest, code, setAside: setAside === undefined ? null : JSON.stringify(setAside) });
    });
  }

  /** Returns the last heartbeat of each stage, by name. */
  all(): Heartbeat[] {
    return this.#connection.db
      .prepare<[], Omit<Heartbeat, "setAside"> & { code: string | null; setAside: string | null }>(`
        SELECT stage, state, at_us AS atUs, coalesce(detail, '') AS detail, code, set_aside AS setAside
        FROM heartbeat ORDER BY stage`)
      .all()
      .map(({ code, setAside, ...beat }) => ({
        ...beat,
        ...(code === null ? {} : { code }),
        ...(setAside === null ? {} : { setAside: SET_ASIDE.parse(JSON.parse(setAside)) }),
      }));
  }
}
