// References: what the frames of an analysis are compared with (drift, tracking), and the line shapes that were chosen for its
// ROIs from the data.
import { type ChosenLines, decodeLines, namesOfLines } from "../analysis/chosen-lines.ts";
import type { AnalysisSettings } from "../analysis/settings.ts";
import type { JointLine } from "../measurement/method.ts";
import type { Analysis } from "./analyses.ts";
import type { Connection } from "./connection.ts";

export class References {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Returns the encoded drift reference of an analysis; of length 0 if the image had nothing to lock on to. */
  drift(analysisId: number): Uint8Array | undefined {
    return this.#connection.db
      .prepare<[number], Buffer>("SELECT patches FROM drift_reference WHERE analysis_id = ?")
      .pluck()
      .get(analysisId);
  }

  /** Stores the drift reference of an analysis, unless it has one. */
  keepDrift(analysisId: number, reference: Uint8Array): void {
    this.#keep("INSERT OR IGNORE INTO drift_reference VALUES (?, ?)", analysisId, reference);
  }

  /**
   * Gives an analysis without a drift reference the latest one of another analysis with the same ROI manifest. The patches are
   * cut out of images and do not depend on the method. New patches would use the chip's current place instead of the one in the
   * manifest.
   */
  adoptDrift(analysisId: number): void {
    this.#connection.write(() =>
      this.#connection.db
        .prepare(`
          INSERT OR IGNORE INTO drift_reference
          SELECT new.id, d.patches FROM analysis new JOIN analysis old USING (roi_manifest_id)
            JOIN drift_reference d ON d.analysis_id = old.id
          WHERE new.id = ? AND length(d.patches) > 0 ORDER BY old.id DESC LIMIT 1`)
        .run(analysisId),
    );
  }

  /** Returns the encoded reference of a tracking analysis; undefined before its first frame. */
  tracking(analysisId: number): Uint8Array | undefined {
    return this.#connection.db
      .prepare<[number], Buffer>("SELECT reference FROM tracking_reference WHERE analysis_id = ?")
      .pluck()
      .get(analysisId);
  }

  /** Replaces the reference of a tracking analysis by one that was extended from it. */
  keepTracking(analysisId: number, reference: Uint8Array): void {
    this.#keep("INSERT OR REPLACE INTO tracking_reference VALUES (?, ?)", analysisId, reference);
  }

  /** Returns the chosen lines of an analysis; undefined before its first frame, and if the line is configured. */
  chosenLines(analysisId: number): ChosenLines | undefined {
    const lines = this.#connection.db
      .prepare<[number], Buffer>("SELECT lines FROM chosen_line WHERE analysis_id = ?")
      .pluck()
      .get(analysisId);
    return lines === undefined ? undefined : decodeLines(lines);
  }

  /** Replaces the chosen lines of an analysis by those that were extended from them. */
  keepChosenLines(analysisId: number, lines: ChosenLines): void {
    this.#keep("INSERT OR REPLACE INTO chosen_line VALUES (?, ?)", analysisId, lines);
  }

  /**
   * Returns the line that each ROI is measured with: the configured one, the chosen one, or "auto" if none has been chosen yet.
   * Undefined for methods that do not fit one line to the whole ROI.
   */
  linesOf(analysis: Analysis): JointLine[] | undefined {
    if (analysis.method !== "joint" && analysis.method !== "tracking") return undefined;
    // Written by this program; see NewAnalysis. "fano" was the only line before there was a choice.
    const { jointLine = "fano" } = JSON.parse(analysis.settings) as AnalysisSettings;
    if (jointLine !== "auto") return analysis.labels.map(() => jointLine);
    const chosen = this.chosenLines(analysis.analysisId);
    const names = chosen === undefined ? [] : namesOfLines(chosen);
    return analysis.labels.map((_, roi) => names[roi] ?? "auto");
  }

  #keep(insert: string, analysisId: number, encoded: Uint8Array): void {
    this.#connection.write(() => this.#connection.db.prepare(insert).run(analysisId, Buffer.from(encoded)));
  }
}
