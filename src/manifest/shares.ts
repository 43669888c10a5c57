// Shares: which remote the experiment is copied to, and which ones were used before.
import type { Connection } from "./connection.ts";

export interface BoundRemote {
  readonly remoteId: string;
  /** Absolute path. */
  readonly root: string;
}

/** A share this experiment is or was copied to. */
export interface KnownShare extends BoundRemote {
  /** Live entries that have a copy there. */
  readonly pictures: number;
  /** Whether it is the current share. */
  readonly inUse: boolean;
}

export class Shares {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Returns the share that this experiment is copied to now. */
  current(): BoundRemote | undefined {
    return this.#connection.db.prepare<[], BoundRemote>("SELECT remote_id AS remoteId, root FROM remote").get();
  }

  /** Returns every share that this experiment is or was copied to, the first one first. */
  all(): KnownShare[] {
    return this.#connection.db
      .prepare<[], Omit<KnownShare, "inUse"> & { inUse: number }>(`
        SELECT remote_id AS remoteId, root, pictures, remote_id IN (SELECT remote_id FROM remote) AS inUse
        FROM share ORDER BY first_bound_at_us, remote_id`)
      .all()
      .map((share) => ({ ...share, inUse: share.inUse === 1 }));
  }

  /** Binds the experiment to a share. Copies on other shares stay recorded. */
  bind({ remoteId, root }: BoundRemote, nowUs: number): void {
    const { db } = this.#connection;
    this.#connection.write(() => {
      db.prepare("INSERT OR REPLACE INTO remote VALUES (1, ?, ?, ?)").run(remoteId, root, nowUs);
      db.prepare(`
        INSERT INTO share VALUES (?, ?, ?, 0) ON CONFLICT (remote_id) DO UPDATE SET root = excluded.root`).run(
        remoteId,
        root,
        nowUs,
      );
    });
  }

  /** Assigns copies without a share to the first one: they were made when there was only one share. */
  attributeToFirst(): void {
    const [first] = this.all();
    if (first === undefined) return;
    this.#connection.write(() =>
      this.#connection.db
        .prepare("UPDATE entry SET remote_id = ? WHERE remote_id IS NULL AND remote_path IS NOT NULL")
        .run(first.remoteId),
    );
  }
}
