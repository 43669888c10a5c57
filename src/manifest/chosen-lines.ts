// The lines that the data chose for the ROIs of an analysis.
import { type ChosenLines, decodeLines, namesOfLines } from "../analysis/chosen-lines.ts";
import type { AnalysisSettings } from "../analysis/settings.ts";
import type { JointLine } from "../measurement/method.ts";
import type { Connection } from "./connection.ts";
import type { Analysis } from "./runs.ts";

/** The chosen lines of an analysis; undefined before its first frame, and where the line was configured. */
export function chosenLinesOf({ db }: Connection, analysisId: number): ChosenLines | undefined {
  const lines = db
    .prepare<[number], Buffer>("SELECT lines FROM chosen_line WHERE analysis_id = ?")
    .pluck()
    .get(analysisId);
  return lines === undefined ? undefined : decodeLines(lines);
}

/** Keeps the chosen lines of an analysis in place of those they have grown from. */
export function keepChosenLines({ db }: Connection, analysisId: number, lines: ChosenLines): void {
  db.prepare("INSERT OR REPLACE INTO chosen_line VALUES (?, ?)").run(analysisId, Buffer.from(lines));
}

/**
 * Per ROI the line that an analysis measures it with: the one configured, the one chosen, or "auto" while none has been
 * chosen. Undefined for methods without a line for the whole ROI.
 */
export function linesOf(connection: Connection, analysis: Analysis): JointLine[] | undefined {
  if (analysis.method !== "joint" && analysis.method !== "tracking") return undefined;
  // As written by this program; see NewAnalysis. "fano" was the only one before there was a choice.
  const { jointLine = "fano" } = JSON.parse(analysis.settings) as AnalysisSettings;
  if (jointLine !== "auto") return analysis.labels.map(() => jointLine);
  const chosen = chosenLinesOf(connection, analysis.analysisId);
  const names = chosen === undefined ? [] : namesOfLines(chosen);
  return analysis.labels.map((_, roi) => names[roi] ?? "auto");
}
