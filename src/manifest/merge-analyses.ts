// Merges analyses: those with the same method, settings, ROIs and references become one; all others stay separate.
import { createHash } from "node:crypto";
import type { AnalysisSettings } from "../analysis/settings.ts";
import type { Analysis } from "./analyses.ts";
import type { Connection } from "./connection.ts";
import type { MergeSide } from "./merge-side.ts";

/** What is stored with an analysis besides its settings. */
const REFERENCES = [
  ["chosen_line", "lines"],
  ["tracking_reference", "reference"],
  ["drift_reference", "patches"],
] as const;

/** Maps each analysis of the other experiment to one in this experiment; adds those that do not exist. */
export function mergeAnalyses(into: MergeSide, from: MergeSide): ReadonlyMap<number, number> {
  const ids = new Map<number, number>();
  for (const analysis of from.manifest.analyses.all()) {
    const { analysisId, roiManifestId } = analysis;
    const rois = roiManifestId === undefined ? undefined : from.manifest.analyses.roiManifest(roiManifestId);
    const own = rois === undefined ? undefined : into.manifest.analyses.ensureRoiManifest(rois);
    const id = ensure(into, { ...analysis, roiManifestId: own }, referencesOf(from.connection, analysis, analysisId));
    ids.set(analysisId, id);
    keepReferences(into.connection, from.connection, id, analysisId);
  }
  for (const [theirs, own] of ids) {
    for (const tracking of from.manifest.analyses.companions(theirs)) {
      const trackingId = ids.get(tracking);
      if (trackingId !== undefined) into.manifest.analyses.noteCompanion(own, trackingId);
    }
  }
  return ids;
}

function ensure({ manifest: { analyses }, connection }: MergeSide, analysis: Analysis, references: string): number {
  const { name, remeasuredAtUs } = analysis;
  if (remeasuredAtUs !== undefined) {
    const mark = JSON.stringify(["merged", name, remeasuredAtUs]);
    return analyses.ensureApart(analysis, mark, { name, remeasuredAtUs });
  }
  const id = analyses.ensure(analysis);
  const own = referencesOf(connection, analysis, id);
  // An analysis that was just added, or has measured nothing yet, has no references.
  if (own === references || own === NO_REFERENCES) return id;
  return analyses.ensureApart(analysis, references, { name: undefined, remeasuredAtUs: undefined });
}

/**
 * Returns what the positions of an analysis are relative to, as one text. Analyses with different references must not become one
 * curve. If the ROIs do not follow the chip, its place affects no position.
 */
function referencesOf({ db }: Connection, { settings }: Analysis, analysisId: number): string {
  // As written by this program; see NewAnalysis.
  const { trackDrift = false } = JSON.parse(settings) as AnalysisSettings;
  const hash = createHash("sha256");
  let any = false;
  for (const [table, column] of REFERENCES) {
    if (table === "drift_reference" && !trackDrift) continue;
    const bytes = db
      .prepare<[number], Buffer>(`SELECT ${column} FROM ${table} WHERE analysis_id = ?`)
      .pluck()
      .get(analysisId);
    if (bytes === undefined) continue;
    any = true;
    hash.update(table).update(bytes);
  }
  return any ? hash.digest("hex") : NO_REFERENCES;
}

const NO_REFERENCES = "";

function keepReferences(into: Connection, from: Connection, own: number, theirs: number): void {
  for (const [table, column] of REFERENCES) {
    const bytes = from.db
      .prepare<[number], Buffer>(`SELECT ${column} FROM ${table} WHERE analysis_id = ?`)
      .pluck()
      .get(theirs);
    if (bytes !== undefined) into.db.prepare(`INSERT OR IGNORE INTO ${table} VALUES (?, ?)`).run(own, bytes);
  }
}
