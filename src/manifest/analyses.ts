// Analyses: with what something was measured (method, settings, kernel), and the ROI manifests they measure by.
import { createHash } from "node:crypto";
import type { Method } from "../measurement/method.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import type { Connection } from "./connection.ts";

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

export class Analyses {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The row of an analysis, made if it is new: the same method, settings, ROI manifest and kernel are one analysis. */
  ensure(analysis: NewAnalysis): number {
    const { db } = this.#connection;
    const { method, settings, roiManifestId = null, kernelVersion } = analysis;
    const identity = JSON.stringify([method, settings, roiManifestId, kernelVersion]);
    const fingerprint = createHash("sha256").update(identity).digest("hex");
    return this.#connection.write(() => {
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
  all(): Analysis[] {
    const { db } = this.#connection;
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

  /** The row of an ROI manifest, made if it is new. Recognised by the hash of what it says. */
  ensureRoiManifest(manifest: RoiManifest): number {
    const { db } = this.#connection;
    return this.#connection.write(() => {
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
  roiManifest(roiManifestId: number): RoiManifest | undefined {
    const { db } = this.#connection;
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

  /** Notes that a tracking is measured along with an analysis. */
  noteCompanion(analysisId: number, trackingId: number): void {
    this.#connection.write(() =>
      this.#connection.db.prepare("INSERT OR IGNORE INTO companion VALUES (?, ?)").run(analysisId, trackingId),
    );
  }

  /** The trackings measured along with an analysis, the newest first. */
  companions(analysisId: number): number[] {
    return this.#connection.db
      .prepare<[number], number>("SELECT tracking_id FROM companion WHERE analysis_id = ? ORDER BY tracking_id DESC")
      .pluck()
      .all(analysisId);
  }
}
