// Outcomes: the results of the analyses for each frame, in order of completion, as the outputs read them.
import type { Statement } from "better-sqlite3";
import { type CompanionResult, decodeValues } from "../analysis/task.ts";
import type { TimeSource } from "../image/times/source.ts";
import type { FrameResult, Method } from "../measurement/method.ts";
import { ALWAYS, type TimeWindow } from "../measurement/time-window.ts";
import type { Reading } from "../sensors/thermometer.ts";
import { IS_OF_ANALYSIS } from "./along-curves.ts";
import type { Analyses, Analysis } from "./analyses.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import { LAST_FRAMES } from "./newest.ts";
import { FILE_NAME, JOIN_FILE } from "./page-rows.ts";
import type { Readings } from "./readings.ts";
import { blockOf } from "./results.ts";
import { decodeStatistics } from "./statistics-codec.ts";

/**
 * The result of an analysis for a frame, with everything that belongs to it. Arrays have one item per ROI, in the order of
 * `labels`.
 */
export interface Outcome {
  /** Ascending in order of completion: the cursor of the outputs. */
  readonly outcomeId: number;
  readonly entryId: number;
  readonly analysisId: number;
  readonly method: Method;
  readonly labels: readonly string[];
  readonly ok: boolean;
  readonly errorCode: string | undefined;
  readonly error: string | undefined;
  readonly capturedAtUs: number;
  readonly processedAtUs: number;
  readonly filename: string;
  /** Directory, absolute. */
  readonly filepath: string;
  /** Which page of the file, from 0; undefined where the file is one picture. */
  readonly page?: number | undefined;
  /** Source of `capturedAtUs`; undefined: the clock at the capture. */
  readonly timeSource?: TimeSource | undefined;
  readonly readings: readonly Reading[];
  /** Warnings about the image, in one text. */
  readonly warnings?: string | undefined;
  /** undefined if the analysis failed. */
  readonly measured: Measured | undefined;
  /** Result of tracking, if it was measured along with the method. */
  readonly companion?: CompanionResult | undefined;
}

/** What was measured: a FrameResult as it is read from the tables. */
export interface Measured extends Omit<FrameResult, "method" | "values" | "displacement"> {
  /** Values of every measured row, per ROI and quantity; debug mode only. */
  readonly values: FrameResult["values"];
}

/** What an analysis measured in one frame. */
export interface FrameResults extends CompanionResult {
  readonly entryId: number;
  readonly capturedAtUs: number;
}

interface OutcomeFilter {
  readonly analyses?: Iterable<number> | undefined;
  /** Only frames captured in this window. */
  readonly window?: TimeWindow | undefined;
}

interface OutcomeRow {
  id: number;
  entry_id: number;
  analysis_id: number;
  ok: number;
  error_code: string | null;
  error: string | null;
  processed_at_us: number;
  brightness: number | null;
  contrast: number | null;
  captured_at_us: number;
  warnings: string | null;
  page: number | null;
  time_source: TimeSource | null;
  filename: string;
  directory: string;
  statistics: Buffer | null;
  row_values: Buffer | null;
}

type ResultRow = [roi: number, position: number | null, error: number | null, quality: number | null, flags: number];

export class Outcomes {
  readonly #connection: Connection;
  readonly #entries: Entries;
  readonly #analyses: Analyses;
  readonly #readings: Readings;
  readonly #known = new Map<number, { method: Method; labels: readonly string[] }>();
  readonly #after: Statement<[Record<string, number | string | null>], OutcomeRow>;
  readonly #results: Statement<[number, number, number], ResultRow>;
  readonly #lastId: Statement<[], number>;

  constructor(connection: Connection, entries: Entries, analyses: Analyses, readings: Readings) {
    this.#connection = connection;
    this.#entries = entries;
    this.#analyses = analyses;
    this.#readings = readings;
    const { db } = connection;
    this.#after = db.prepare(`
      SELECT o.id, o.entry_id, o.analysis_id, o.ok, o.error_code, o.error, o.processed_at_us, o.brightness, o.contrast,
        e.captured_at_us, e.warnings, ${FILE_NAME}, e.page, e.time_source, d.statistics, d.row_values
      FROM outcome o JOIN entry e ON e.id = o.entry_id ${JOIN_FILE} LEFT JOIN detail d ON d.outcome_id = o.id
      WHERE o.id > @cursor AND (@analyses IS NULL OR +o.analysis_id IN (SELECT value FROM json_each(@analyses)))
        AND +e.captured_at_us >= @fromUs AND +e.captured_at_us < @toUs
      ORDER BY o.id LIMIT @limit`);
    this.#results = db
      .prepare<[number, number, number], ResultRow>(`
        SELECT roi, position, standard_error, quality, flags FROM result
        WHERE analysis_id = ? AND block = ? AND entry_id = ? ORDER BY roi`)
      .raw();
    this.#lastId = db.prepare<[], number>("SELECT coalesce(max(id), 0) FROM outcome").pluck();
  }

  /** Returns up to `limit` outcomes after `cursor`, in order of completion. */
  after(cursor: number, limit: number, { analyses, window = ALWAYS }: OutcomeFilter = {}): Outcome[] {
    const of = analyses === undefined ? null : JSON.stringify([...analyses]);
    return this.#connection.db.transaction(() =>
      this.#after.all({ cursor, limit, analyses: of, ...window }).map((row) => this.#outcome(row)),
    )();
  }

  /** Returns the results of the last few frames that an analysis measured successfully, in order of completion. */
  latestResults({ analysisId, labels }: Pick<Analysis, "analysisId" | "labels">): FrameResults[] {
    return this.#connection.db
      .prepare<[{ id: number }], Pick<FrameResults, "entryId" | "capturedAtUs">>(`
        SELECT o.entry_id AS entryId, e.captured_at_us AS capturedAtUs FROM outcome o JOIN entry e ON e.id = o.entry_id
        WHERE ${IS_OF_ANALYSIS} ORDER BY o.id DESC LIMIT ${LAST_FRAMES}`)
      .all({ id: analysisId })
      .reverse()
      .flatMap((frame) => {
        const results = this.#rowsOf(analysisId, frame.entryId, labels.length);
        return results === undefined ? [] : [{ ...frame, ...results }];
      });
  }

  /**
   * Returns the analysis of the first measured frame after an outcome, or of the last one up to it. Only analyses of runs count.
   */
  analysisBeside(outcomeId: number, side: "before" | "after"): number | undefined {
    const [compared, order] = side === "before" ? ["id > 0 AND id <=", "DESC"] : ["id >", "ASC"];
    return this.#connection.db
      .prepare<[number], number>(
        `SELECT analysis_id FROM outcome WHERE ${compared} ? AND ok = 1 ORDER BY id ${order} LIMIT 1`,
      )
      .pluck()
      .get(outcomeId);
  }

  /** Returns the newest outcome of a run; 0 if there is none. */
  lastId(): number {
    return this.#lastId.get() ?? 0;
  }

  #outcome(row: OutcomeRow): Outcome {
    const { method, labels } = this.#analysis(row.analysis_id);
    return {
      outcomeId: row.id,
      entryId: row.entry_id,
      analysisId: row.analysis_id,
      method,
      labels,
      ok: row.ok === 1,
      errorCode: row.error_code ?? undefined,
      error: row.error ?? undefined,
      capturedAtUs: row.captured_at_us,
      processedAtUs: row.processed_at_us,
      filename: row.filename,
      filepath: this.#entries.absoluteDirectory(row.directory),
      page: row.page ?? undefined,
      timeSource: row.time_source ?? undefined,
      readings: this.#readings.of(row.entry_id),
      ...(row.warnings === null || row.warnings === "" ? {} : { warnings: row.warnings }),
      measured: row.statistics === null ? undefined : this.#measured(row, row.statistics, method, labels.length),
      ...this.#companion(row, labels.length),
    };
  }

  #companion(row: OutcomeRow, rois: number): { readonly companion?: CompanionResult } {
    for (const trackingId of this.#analyses.companions(row.analysis_id)) {
      const companion = this.#rowsOf(trackingId, row.entry_id, rois);
      if (companion !== undefined) return { companion };
    }
    return {};
  }

  /** Returns undefined if the analysis has no result for the entry. */
  #rowsOf(analysisId: number, entryId: number, rois: number): CompanionResult | undefined {
    const rows = this.#results.all(analysisId, blockOf(entryId), entryId);
    if (rows.length === 0) return undefined;
    const position = new Float64Array(rois).fill(Number.NaN);
    const standardError = new Float64Array(rois).fill(Number.NaN);
    const quality = new Float64Array(rois).fill(Number.NaN);
    const flags = new Uint8Array(rois);
    for (const [roi, px, error, good, bits] of rows) {
      position[roi] = px ?? Number.NaN;
      standardError[roi] = error ?? Number.NaN;
      quality[roi] = good ?? Number.NaN;
      flags[roi] = bits;
    }
    return { position, standardError, quality, flags };
  }

  #measured(row: OutcomeRow, statistics: Buffer, method: Method, rois: number): Measured {
    const none = () => new Float64Array(rois).fill(Number.NaN);
    const unknown = { position: none(), standardError: none(), quality: none(), flags: new Uint8Array(rois) };
    let unpacked: Float64Array | undefined;
    return {
      ...(this.#rowsOf(row.analysis_id, row.entry_id, rois) ?? unknown),
      // Computed on demand: unpacking costs more than the rest of an outcome, and not every output needs the statistics.
      get statistics() {
        unpacked ??= decodeStatistics(statistics);
        return unpacked;
      },
      brightness: row.brightness ?? Number.NaN,
      contrast: row.contrast ?? Number.NaN,
      values: row.row_values === null ? undefined : decodeValues(row.row_values, method),
    };
  }

  #analysis(analysisId: number): { method: Method; labels: readonly string[] } {
    if (!this.#known.has(analysisId)) {
      for (const analysis of this.#analyses.all()) this.#known.set(analysis.analysisId, analysis);
    }
    const analysis = this.#known.get(analysisId);
    if (analysis === undefined) throw new RangeError(`there is no analysis ${analysisId}`);
    return analysis;
  }
}
