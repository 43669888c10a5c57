// Runs, ROI manifests and analyses: with what, by whom and how something was measured. And the stages' heartbeats.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Method } from "../measurement/method.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import type { Connection } from "./connection.ts";

export interface NewRun {
  readonly startedAtUs: number;
  /** The configuration in force, as text. */
  readonly config: string;
  /** The program's version. */
  readonly version: string;
  readonly nodeVersion: string;
  readonly host: string;
  readonly pid: number;
}

export interface Run extends NewRun {
  readonly runId: number;
  readonly endedAtUs: number | undefined;
  /** undefined while it lives; "died" when a later run found it without an end. */
  readonly endReason: string | undefined;
}

export interface NewAnalysis {
  readonly method: Method;
  /** All else that decides the numbers, as JSON. */
  readonly settings: string;
  /** Absent when frames could not be measured for want of one. */
  readonly roiManifestId?: number | undefined;
  readonly kernelVersion: string;
}

export interface Analysis extends NewAnalysis {
  readonly analysisId: number;
  /** In the order of the ROI manifest. */
  readonly labels: readonly string[];
}

export interface Heartbeat {
  readonly stage: string;
  readonly state: string;
  readonly atUs: number;
  readonly detail: string;
  /** What `detail` says, for code to act on; absent where it needs no reaction. */
  readonly code?: string | undefined;
  /** Absent: the stage has set no file aside. */
  readonly setAside?: StoredSetAside | undefined;
}

/** Files that a stage has set aside, because they could not be handled while others could. */
export interface StoredSetAside {
  readonly count: number;
  /** The first ones to be tried again. */
  readonly files: readonly {
    readonly name: string;
    /** The end of the sentence "NAME: ...". */
    readonly reason: string;
    readonly failures: number;
    readonly nextTryAtUs: number;
  }[];
}

const SET_ASIDE = z.object({
  count: z.int(),
  files: z.array(z.object({ name: z.string(), reason: z.string(), failures: z.int(), nextTryAtUs: z.number() })),
});

/** Begins a run; runs that never ended are marked as dead. */
export function beginRun(connection: Connection, run: NewRun): number {
  return connection.write(() => {
    connection.db.prepare("UPDATE run SET end_reason = 'died' WHERE ended_at_us IS NULL AND end_reason IS NULL").run();
    const { lastInsertRowid } = connection.db
      .prepare(`
        INSERT INTO run (started_at_us, config, phorest_version, node_version, host, pid)
        VALUES (@startedAtUs, @config, @version, @nodeVersion, @host, @pid)`)
      .run({ ...run });
    return Number(lastInsertRowid);
  });
}

/** Notes the ROI manifest and kernel a run measures with (the last one, should it change within the run). */
export function noteMeasure(connection: Connection, runId: number, analysisId: number): void {
  connection.write(() =>
    connection.db
      .prepare(`
        UPDATE run SET (roi_manifest_id, kernel_version) = (SELECT roi_manifest_id, kernel_version FROM analysis WHERE id = ?)
        WHERE id = ?`)
      .run(analysisId, runId),
  );
}

/** The ROI manifest that was measured with last, in whichever run; undefined before the first. */
export function lastRoiManifest({ db }: Connection): number | undefined {
  return db
    .prepare<[], number>("SELECT roi_manifest_id FROM run WHERE roi_manifest_id IS NOT NULL ORDER BY id DESC LIMIT 1")
    .pluck()
    .get();
}

export function endRun(connection: Connection, runId: number, nowUs: number, reason: string): void {
  connection.write(
    () =>
      connection.db.prepare("UPDATE run SET ended_at_us = ?, end_reason = ? WHERE id = ?").run(nowUs, reason, runId),
    { last: true },
  );
}

type RunRow = Omit<Run, "endedAtUs" | "endReason"> & { endedAtUs: number | null; endReason: string | null };

export function lastRun(connection: Connection): Run | undefined {
  return recentRuns(connection, 1)[0];
}

/** The newest runs first. */
export function recentRuns({ db }: Connection, limit: number): Run[] {
  return db
    .prepare<[number], RunRow>(`
      SELECT id AS runId, started_at_us AS startedAtUs, ended_at_us AS endedAtUs, end_reason AS endReason, config,
        phorest_version AS version, node_version AS nodeVersion, host, pid FROM run ORDER BY id DESC LIMIT ?`)
    .all(limit)
    .map((row) => ({ ...row, endedAtUs: row.endedAtUs ?? undefined, endReason: row.endReason ?? undefined }));
}

/** Entries that became failed since a run began. */
export function failedInRun({ db }: Connection, runId: number): number {
  const failed = db
    .prepare<[number], number>(`
      SELECT count(*) FROM entry WHERE status = 'failed'
      AND processed_at_us >= (SELECT started_at_us FROM run WHERE id = ?)`)
    .pluck();
  return failed.get(runId) ?? 0;
}

/** The row of an ROI manifest, made if it is new. Recognised by the hash of what it says. */
export function ensureRoiManifest(connection: Connection, manifest: RoiManifest): number {
  const { db } = connection;
  return connection.write(() => {
    const known = db
      .prepare<[string], number>("SELECT id FROM roi_manifest WHERE sha256 = ?")
      .pluck()
      .get(manifest.sha256);
    if (known !== undefined) return known;
    const { lastInsertRowid } = db
      .prepare("INSERT INTO roi_manifest (sha256, image_angle, json) VALUES (?, ?, ?)")
      .run(manifest.sha256, manifest.imageAngle, manifest.json);
    const insert = db.prepare("INSERT INTO roi VALUES (@id, @roi, @label, @flip, @y, @x, @height, @width)");
    manifest.rois.forEach((rectangle, roi) => {
      insert.run({ ...rectangle, id: lastInsertRowid, roi, flip: rectangle.flip ? 1 : 0 });
    });
    return Number(lastInsertRowid);
  });
}

/** An ROI manifest as it was stored. */
export function roiManifest({ db }: Connection, roiManifestId: number): RoiManifest | undefined {
  const row = db
    .prepare<[number], { sha256: string; imageAngle: number; json: string }>(
      "SELECT sha256, image_angle AS imageAngle, json FROM roi_manifest WHERE id = ?",
    )
    .get(roiManifestId);
  if (row === undefined) return undefined;
  const rois = db
    .prepare<[number], Omit<Roi, "flip"> & { flip: number }>(
      "SELECT label, flip, y, x, height, width FROM roi WHERE roi_manifest_id = ? ORDER BY roi",
    )
    .all(roiManifestId);
  return { ...row, rois: rois.map((roi) => ({ ...roi, flip: roi.flip === 1 })) };
}

/** The row of an analysis, made if it is new: the same method, settings, ROI manifest and kernel are one analysis. */
export function ensureAnalysis(connection: Connection, analysis: NewAnalysis): number {
  const { db } = connection;
  const { method, settings, roiManifestId = null, kernelVersion } = analysis;
  const identity = JSON.stringify([method, settings, roiManifestId, kernelVersion]);
  const fingerprint = createHash("sha256").update(identity).digest("hex");
  return connection.write(() => {
    const known = db
      .prepare<[string], number>("SELECT id FROM analysis WHERE fingerprint = ?")
      .pluck()
      .get(fingerprint);
    if (known !== undefined) return known;
    const { lastInsertRowid } = db
      .prepare(`
        INSERT INTO analysis (method, settings, roi_manifest_id, kernel_version, fingerprint)
        VALUES (@method, @settings, @roiManifestId, @kernelVersion, @fingerprint)`)
      .run({ method, settings, roiManifestId, kernelVersion, fingerprint });
    return Number(lastInsertRowid);
  });
}

/** All analyses, oldest first. */
export function analyses({ db }: Connection): Analysis[] {
  const labels = db
    .prepare<[number | null], string>("SELECT label FROM roi WHERE roi_manifest_id = ? ORDER BY roi")
    .pluck();
  return db
    .prepare<[], Omit<Analysis, "labels" | "roiManifestId"> & { roiManifestId: number | null }>(`
      SELECT id AS analysisId, method, settings, roi_manifest_id AS roiManifestId, kernel_version AS kernelVersion
      FROM analysis ORDER BY id`)
    .all()
    .map((row) => ({ ...row, roiManifestId: row.roiManifestId ?? undefined, labels: labels.all(row.roiManifestId) }));
}

/** Stores what the stages said of themselves, in one transaction. */
export function storeHeartbeats(connection: Connection, beats: readonly Heartbeat[]): void {
  connection.write(() => {
    const beat = connection.db.prepare(
      "INSERT OR REPLACE INTO heartbeat VALUES (@stage, @state, @atUs, @detail, @code, @setAside)",
    );
    for (const { code = null, setAside, ...rest } of beats)
      beat.run({ ...rest, code, setAside: setAside === undefined ? null : JSON.stringify(setAside) });
  });
}

export function heartbeats({ db }: Connection): Heartbeat[] {
  return db
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
