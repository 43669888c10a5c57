// Makes the rows saved from a damaged manifest consistent: removes or rebuilds what refers to lost rows, and queues frames with
// incomplete results again if their image is still here.

import type { Database } from "better-sqlite3";
import { METHODS, type Method } from "../measurement/method.ts";
import {
  formatRoiManifest,
  labelsOnly,
  parseRoiManifest,
  type Roi,
  type RoiManifest,
  recordedRois,
} from "../measurement/roi.ts";
import { completeOutcomes, countResults, keepUnmeasured, requeue } from "./salvage-outcomes.ts";

export interface MendOptions {
  readonly nowUs: number;
  /** The current ROI manifest and other known ones: a lost one is recognised by its ROIs. */
  readonly roiManifests: readonly RoiManifest[];
  /** Method to assume for an analysis whose own record and whose run's record are both lost. */
  readonly method: Method;
  /** Names of the outputs that must not get again what they already have. */
  readonly continued: readonly string[];
  /** Names of the outputs whose file is rewritten from the remaining data. */
  readonly rewritten: readonly string[];
}

export interface Mended {
  /** Frames with partly lost results whose images are here; they are measured again. */
  readonly requeued: number;
  /** Frames with partly lost results whose images are elsewhere or gone. */
  readonly incomplete: number;
  /** Other things that people should know, one sentence each. */
  readonly notes: readonly string[];
}

/** Makes the rows of `db` consistent. Foreign keys are not enforced meanwhile. */
export function mend(db: Database, options: MendOptions): Mended {
  return db.transaction(() => {
    const notes = [...mendPages(db), ...mendRuns(db), ...mendRoiManifests(db, options), ...mendAnalyses(db, options)];
    dropDangling(db);
    countResults(db);
    notes.push(...retireAnalyses(db));
    const requeued = requeue(db);
    keepUnmeasured(db);
    const incomplete = completeOutcomes(db, options.nowUs);
    db.exec("DROP TABLE counted");
    giveClaimsBack(db);
    mendOutputs(db, options);
    mendSequences(db);
    return { requeued, incomplete, notes };
  })();
}

const NO_MANIFEST = "roi_manifest_id IS NOT NULL AND roi_manifest_id NOT IN (SELECT id FROM roi_manifest)";

/** Restores a lost ROI manifest from the known ones, or rebuilds it from the results. */
function mendRoiManifests(db: Database, { roiManifests }: MendOptions): string[] {
  const notes: string[] = [];
  const lost = db
    .prepare<[], number>(`SELECT DISTINCT roi_manifest_id FROM roi WHERE ${NO_MANIFEST} ORDER BY 1`)
    .pluck()
    .all();
  const insert = db.prepare("INSERT OR IGNORE INTO roi_manifest (id, sha256, image_angle, json) VALUES (?, ?, ?, ?)");
  for (const id of lost) {
    const rois = roisOf(db, id);
    const known = roiManifests.find((manifest) => isSame(manifest.rois, rois));
    const hasOnlyLabels = rois.every(({ height, width }) => height === 0 && width === 0);
    const { sha256, imageAngle, json } =
      known ?? (hasOnlyLabels ? labelsOnly(rois.map(({ label }) => label)) : manifestOf(rois));
    insert.run(id, sha256, imageAngle, json);
    if (known === undefined && !hasOnlyLabels) notes.push(`the angle of ROI manifest ${id} is lost; its ROIs are not`);
  }
  const insertRoi = db.prepare("INSERT OR IGNORE INTO roi VALUES (@id, @at, @label, @flip, @y, @x, @height, @width)");
  for (const { id, json } of db.prepare<[], { id: number; json: string }>("SELECT id, json FROM roi_manifest").all()) {
    recordedRois(json, `ROI manifest ${id}`)?.forEach((roi, at) => {
      insertRoi.run({ ...roi, id, at, flip: roi.flip ? 1 : 0 });
    });
  }
  return notes;
}

const manifestOf = (rois: readonly Roi[]): RoiManifest =>
  parseRoiManifest(formatRoiManifest({ imageAngle: 0, rois }), "rois", { kept: true });

function roisOf(db: Database, manifestId: number): Roi[] {
  return db
    .prepare<[number], Omit<Roi, "flip"> & { flip: number }>(
      "SELECT label, flip, y, x, height, width FROM roi WHERE roi_manifest_id = ? ORDER BY roi",
    )
    .all(manifestId)
    .map((roi) => ({ ...roi, flip: roi.flip === 1 }));
}

function isSame(one: readonly Roi[], other: readonly Roi[]): boolean {
  const text = (rois: readonly Roi[]) =>
    JSON.stringify(rois.map(({ label, flip, y, x, height, width }) => [label, flip, y, x, height, width]));
  return text(one) === text(other);
}

interface LostAnalysis {
  readonly id: number;
  readonly rois: number;
  readonly config: string | null;
  readonly kernel: string | null;
  readonly manifest: number | null;
  /** Whether it has outcomes; a tracking that is measured along with another analysis has none. */
  readonly main: number;
}

/** Keeps results without a record of their analysis under a new record, based on their run. */
function mendAnalyses(db: Database, { method }: MendOptions): string[] {
  const lost = db
    .prepare<[], LostAnalysis>(`
      WITH known AS (SELECT analysis_id AS id, min(entry_id) AS entry FROM outcome GROUP BY 1
        UNION ALL SELECT analysis_id, min(entry_id) FROM result GROUP BY 1)
      SELECT k.id, (SELECT count(DISTINCT roi) FROM result WHERE analysis_id = k.id) AS rois, r.config,
        r.kernel_version AS kernel, r.roi_manifest_id AS manifest,
        EXISTS (SELECT 1 FROM outcome WHERE analysis_id = k.id) AS main
      FROM known k LEFT JOIN entry e ON e.id = k.entry LEFT JOIN run r ON r.id = e.run_id
      WHERE k.id NOT IN (SELECT id FROM analysis) GROUP BY k.id`)
    .all();
  const manifests = db.prepare<[], number>("SELECT id FROM roi_manifest").pluck().all();
  const insert = db.prepare(`
    INSERT INTO analysis (id, method, settings, roi_manifest_id, kernel_version, fingerprint)
    VALUES (@id, @method, '{}', @manifest, @kernel, @fingerprint)`);
  return lost.map(({ id, rois, config, kernel, manifest, main }) => {
    const [only] = manifests.length === 1 ? manifests : [];
    const candidate = manifest ?? only ?? null;
    const matches = candidate !== null && roisOf(db, candidate).length >= rois;
    const used = main === 0 ? "tracking" : (methodOf(config) ?? method);
    // A fingerprint that no analysis can have, so that a later run creates a new analysis.
    const fingerprint = `record lost, analysis ${id}`;
    insert.run({ id, method: used, manifest: matches ? candidate : null, kernel: kernel ?? "unknown", fingerprint });
    return `the record of analysis ${id} is lost: its results are kept as results of ${used}; the next run starts a new analysis`;
  });
}

function methodOf(config: string | null): Method | undefined {
  try {
    const parsed: unknown = JSON.parse(config ?? "{}");
    const section: unknown = typeof parsed === "object" && parsed !== null ? Reflect.get(parsed, "Data_Analysis") : {};
    const method: unknown =
      typeof section === "object" && section !== null ? Reflect.get(section, "method") : undefined;
    return METHODS.find((known) => known === method);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Keeps frames together by their run, although the record of the run is lost. */
function mendRuns(db: Database): string[] {
  const lost = db
    .prepare<[], { id: number; from: number }>(`
      SELECT run_id AS id, min(captured_at_us) AS "from" FROM entry
      WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT id FROM run) GROUP BY run_id`)
    .all();
  const insert = db.prepare(`
    INSERT INTO run (id, started_at_us, end_reason, config, phorest_version, node_version, host, pid)
    VALUES (?, ?, 'record lost', '{}', 'unknown', 'unknown', 'unknown', 0)`);
  for (const { id, from } of lost) insert.run(id, from);
  return lost.map(({ id }) => `the record of run ${id} is lost: its configuration is unknown`);
}

/** Pages of a file whose entry is lost have no image any more; their results stay. */
function mendPages(db: Database): string[] {
  const { changes } = db
    .prepare(`
      UPDATE entry SET file_entry_id = NULL,
        error_code = iif(status IN ('pending', 'processing'), 'frame.missing', error_code),
        error = iif(status IN ('pending', 'processing'), 'the image is missing', error),
        status = iif(status IN ('pending', 'processing'), 'failed', status)
      WHERE file_entry_id IS NOT NULL AND file_entry_id NOT IN (SELECT id FROM entry)`)
    .run();
  return changes === 0
    ? []
    : [`the record of a file with ${changes} more pages is lost: phorest does not find their images`];
}

/** Deletes rows that mean nothing without the lost ones. */
function dropDangling(db: Database): void {
  db.exec(`
    UPDATE run SET roi_manifest_id = NULL WHERE ${NO_MANIFEST};
    UPDATE analysis SET roi_manifest_id = NULL WHERE ${NO_MANIFEST};
    DELETE FROM roi WHERE roi_manifest_id NOT IN (SELECT id FROM roi_manifest);
    DELETE FROM reading WHERE entry_id NOT IN (SELECT id FROM entry);
    DELETE FROM outcome WHERE entry_id NOT IN (SELECT id FROM entry) OR analysis_id NOT IN (SELECT id FROM analysis);
    DELETE FROM detail WHERE outcome_id NOT IN (SELECT id FROM outcome);
    DELETE FROM displacement WHERE outcome_id NOT IN (SELECT id FROM outcome);
    DELETE FROM result WHERE entry_id NOT IN (SELECT id FROM entry) OR analysis_id NOT IN (SELECT id FROM analysis);
    DELETE FROM drift_reference WHERE analysis_id NOT IN (SELECT id FROM analysis);
    DELETE FROM tracking_reference WHERE analysis_id NOT IN (SELECT id FROM analysis);
    DELETE FROM chosen_line WHERE analysis_id NOT IN (SELECT id FROM analysis);
    DELETE FROM companion WHERE analysis_id NOT IN (SELECT id FROM analysis) OR tracking_id NOT IN (SELECT id FROM analysis);
    DELETE FROM archived_file WHERE archive_id NOT IN (SELECT id FROM archive)
      OR EXISTS (SELECT 1 FROM entry e WHERE e.directory = archived_file.directory AND e.filename = archived_file.filename);
  `);
}

/** Positions relative to a lost reference cannot continue with another one: later frames get a new analysis. */
function retireAnalyses(db: Database): string[] {
  const lost = db
    .prepare<[], { id: number; method: string; settings: string }>(`
      SELECT id, method, settings FROM analysis a WHERE EXISTS (SELECT 1 FROM result WHERE analysis_id = a.id)
        AND fingerprint NOT LIKE 'record lost%' AND (
        (method = 'tracking' AND id NOT IN (SELECT analysis_id FROM tracking_reference))
        OR (settings LIKE '%"jointLine":"auto"%' AND id NOT IN (SELECT analysis_id FROM chosen_line))
        OR (settings LIKE '%"trackDrift":true%' AND id NOT IN (SELECT analysis_id FROM drift_reference)))`)
    .all();
  const retire = db.prepare("UPDATE analysis SET fingerprint = 'reference lost, analysis ' || id WHERE id = ?");
  return lost.map(({ id, method }) => {
    retire.run(id);
    return `the reference that analysis ${id} (${method}) uses is lost: later frames get a new reference and a new analysis`;
  });
}

/** Returns claimed entries to the queue, and does not count the attempt. */
function giveClaimsBack(db: Database): void {
  db.exec("UPDATE entry SET status = 'pending', attempts = max(0, attempts - 1) WHERE status = 'processing'");
}

/** Rewrites the files that must agree with the results; other outputs continue where they were. */
function mendOutputs(db: Database, { continued, rewritten }: MendOptions): void {
  const restart = db.prepare("UPDATE output SET cursor = 0, state = NULL WHERE name = ?");
  for (const name of rewritten) restart.run(name);
  const add = db.prepare(`
    INSERT OR IGNORE INTO output (name, active, cursor) SELECT ?, 1, coalesce(max(id), 0) FROM outcome`);
  for (const name of continued) add.run(name);
  db.exec(`UPDATE delivery SET cursor = max(cursor, coalesce((SELECT max(o.id) FROM outcome o JOIN entry e ON e.id = o.entry_id
    WHERE e.data_transmitted = 1), 0))`);
}

/** Tables that number their rows, and the other places where these numbers occur. */
const NUMBERED: Readonly<Record<string, string>> = {
  run: "SELECT max(id) FROM run",
  entry: "SELECT max(id) FROM entry",
  outcome: "SELECT max(id) FROM outcome UNION SELECT max(cursor) FROM output UNION SELECT cursor FROM delivery",
  marker: "SELECT max(id) FROM marker",
  injection: "SELECT max(id) FROM injection UNION SELECT max(injection_id) FROM injection_change",
  injection_change: "SELECT max(id) FROM injection_change",
  archive: "SELECT max(id) FROM archive",
};

function mendSequences(db: Database): void {
  for (const [table, numbers] of Object.entries(NUMBERED)) {
    const highest =
      db.prepare<[], number | null>(`SELECT max(n) FROM (SELECT 0 AS n UNION ${numbers})`).pluck().get() ?? 0;
    const { changes } = db
      .prepare("UPDATE sqlite_sequence SET seq = max(seq, CAST(? AS INTEGER)) WHERE name = ?")
      .run(highest, table);
    if (changes === 0) db.prepare("INSERT INTO sqlite_sequence VALUES (?, CAST(? AS INTEGER))").run(table, highest);
  }
}
