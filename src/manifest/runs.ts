// Runs: who captured and measured frames, when, and with which configuration.
import type { Connection } from "./connection.ts";

export interface NewRun {
  readonly startedAtUs: number;
  /** The configuration of the run, as text. */
  readonly config: string;
  /** Version of the program. */
  readonly version: string;
  readonly nodeVersion: string;
  readonly host: string;
  readonly pid: number;
}

export interface Run extends NewRun {
  readonly runId: number;
  readonly endedAtUs: number | undefined;
  /** undefined during the run; "died" if a later run found no recorded end. */
  readonly endReason: string | undefined;
}

type RunRow = Omit<Run, "endedAtUs" | "endReason"> & { endedAtUs: number | null; endReason: string | null };

export class Runs {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Starts a run; earlier runs without an end are marked as died. */
  begin(run: NewRun): number {
    return this.#connection.write(() => {
      this.#connection.db
        .prepare("UPDATE run SET end_reason = 'died' WHERE ended_at_us IS NULL AND end_reason IS NULL")
        .run();
      const { lastInsertRowid } = this.#connection.db
        .prepare(`
          INSERT INTO run (started_at_us, config, phorest_version, node_version, host, pid)
          VALUES (@startedAtUs, @config, @version, @nodeVersion, @host, @pid)`)
        .run({ ...run });
      return Number(lastInsertRowid);
    });
  }

  /** Records the ROI manifest and kernel version that a run measures with (the last ones, if they change within the run). */
  noteMeasure(runId: number, analysisId: number): void {
    this.#connection.write(() =>
      this.#connection.db
        .prepare(`
          UPDATE run SET (roi_manifest_id, kernel_version) = (SELECT roi_manifest_id, kernel_version FROM analysis WHERE id = ?)
          WHERE id = ?`)
        .run(analysisId, runId),
    );
  }

  /** Returns the ROI manifest that was used last, in any run; undefined before the first. */
  lastRoiManifest(): number | undefined {
    return this.#connection.db
      .prepare<[], number>("SELECT roi_manifest_id FROM run WHERE roi_manifest_id IS NOT NULL ORDER BY id DESC LIMIT 1")
      .pluck()
      .get();
  }

  end(runId: number, nowUs: number, reason: string): void {
    this.#connection.write(
      () =>
        this.#connection.db
          .prepare("UPDATE run SET ended_at_us = ?, end_reason = ? WHERE id = ?")
          .run(nowUs, reason, runId),
      { last: true },
    );
  }

  last(): Run | undefined {
    return this.recent(1)[0];
  }

  /** The newest runs first. */
  recent(limit: number): Run[] {
    return this.#connection.db
      .prepare<[number], RunRow>(`
        SELECT id AS runId, started_at_us AS startedAtUs, ended_at_us AS endedAtUs, end_reason AS endReason, config,
          phorest_version AS version, node_version AS nodeVersion, host, pid FROM run ORDER BY id DESC LIMIT ?`)
      .all(limit)
      .map((row) => ({ ...row, endedAtUs: row.endedAtUs ?? undefined, endReason: row.endReason ?? undefined }));
  }

  /** Counts the entries that became failed since a run began. */
  failedEntries(runId: number): number {
    const failed = this.#connection.db
      .prepare<[number], number>(`
        SELECT count(*) FROM entry WHERE status = 'failed'
        AND processed_at_us >= (SELECT started_at_us FROM run WHERE id = ?)`)
      .pluck();
    return failed.get(runId) ?? 0;
  }
}
