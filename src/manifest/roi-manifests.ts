// Stores the ROI manifests that frames were measured with.
import type { Database } from "better-sqlite3";
import type { Roi, RoiManifest } from "../measurement/roi.ts";

/** Returns the id of an ROI manifest; adds it if its content is new. Call within a transaction. */
export function ensureRoiManifest(db: Database, { sha256, imageAngle, json, rois }: RoiManifest): number {
  const known = db.prepare<[string], number>("SELECT id FROM roi_manifest WHERE sha256 = ?").pluck().get(sha256);
  if (known !== undefined) return known;
  const { lastInsertRowid } = db
    .prepare("INSERT INTO roi_manifest (sha256, image_angle, json) VALUES (?, ?, ?)")
    .run(sha256, imageAngle, json);
  const insert = db.prepare("INSERT INTO roi VALUES (@id, @roi, @label, @flip, @y, @x, @height, @width)");
  rois.forEach((rectangle, roi) => {
    insert.run({ ...rectangle, id: lastInsertRowid, roi, flip: rectangle.flip ? 1 : 0 });
  });
  return Number(lastInsertRowid);
}

/** Returns an ROI manifest as it was stored; undefined for an unknown id. */
export function storedRoiManifest(db: Database, id: number): RoiManifest | undefined {
  const row = db
    .prepare<[number], { sha256: string; imageAngle: number; json: string }>(
      "SELECT sha256, image_angle AS imageAngle, json FROM roi_manifest WHERE id = ?",
    )
    .get(id);
  if (row === undefined) return undefined;
  const rois = db
    .prepare<[number], Omit<Roi, "flip"> & { flip: number }>(
      "SELECT label, flip, y, x, height, width FROM roi WHERE roi_manifest_id = ? ORDER BY roi",
    )
    .all(id);
  return { ...row, rois: rois.map((roi) => ({ ...roi, flip: roi.flip === 1 })) };
}
