// Results of an analysis for each frame, written once and read by ROI. curves.ts reads them by frame.
import type { Statement } from "better-sqlite3";
import type { CompanionResult } from "../analysis/task.ts";
import type { FailureData } from "../failure/failure.ts";
import type { Displacement } from "../measurement/displacement.ts";
import type { Connection } from "./connection.ts";
import type { Displacements } from "./displacements.ts";
import { packCurve } from "./frame-curve.ts";
import { type FramePositions, framePositions } from "./frame-positions.ts";
import { type FrameRanges, guessedFrames, simulatedFrames } from "./frame-ranges.ts";
import { BEFORE_ALL } from "./outcome-ids.ts";
import { BLOCK_BITS } from "./schema.ts";

/** A tracking measured along with a result; its positions are stored under its own analysis. */
export interface StoredCompanion extends CompanionResult {
  readonly analysisId: number;
}

/** The processor's answer for a frame; ROIs in the order of the ROI manifest, NaN where unknown. */
export interface StoredResult {
  /** px from the ROI's left edge after flipping. */
  readonly position: Float64Array;
  /** px. */
  readonly standardError: Float64Array;
  /** 0 to 1. */
  readonly quality: Float64Array;
  /** FLAGS bits. */
  readonly flags: Uint8Array;
  /** By encodeStatistics. */
  readonly statistics: Uint8Array;
  readonly brightness: number;
  readonly contrast: number;
  /** How far the chip has moved, and whether that is further than the ROIs allow. */
  readonly displacement?: Displacement | undefined;
  readonly movedTooFar?: boolean;
  /** Result of tracking, if it is measured along with the method. */
  readonly companion?: StoredCompanion | undefined;
  /** By the processor's encodeValues; debug mode only. */
  readonly values?: Uint8Array | undefined;
}

/** The positions of one ROI over time, in order of capture. Arrays of equal length. */
export interface Sensorgram {
  readonly entryId: Float64Array;
  readonly capturedAtUs: Float64Array;
  /** px, NaN where the frame gave none. */
  readonly position: Float64Array;
  /** px. */
  readonly standardError: Float64Array;
  readonly quality: Float64Array;
  readonly flags: Uint8Array;
}

export interface SensorgramQuery {
  readonly analysisId: number;
  /** Index in the ROI manifest. */
  readonly roi: number;
  readonly fromUs?: number | undefined;
  /** Exclusive. */
  readonly toUs?: number | undefined;
}

/**
 * Entry id and flags are packed into one number, because most of the time for a long curve is spent on converting columns to
 * JavaScript values.
 */
type ResultRow = [
  entryAndFlags: number,
  capturedAtUs: number,
  position: number | null,
  standardError: number | null,
  quality: number | null,
];
const FLAG_BITS = 8;

interface RowsQuery {
  analysisId: number;
  roi: number;
  fromUs: number;
  toUs: number;
  blocks: string;
}

export class Results {
  readonly #connection: Connection;
  readonly #displacements: Displacements;
  readonly #forgetFailure: Statement<[number, number]>;
  readonly #markMeasured: Statement<[number]>;
  readonly #has: Statement<[number, number]>;
  readonly #isAgain: Statement<[number], number>;
  readonly #nextAgain: Statement<[], number>;
  readonly #insertOutcome: Statement;
  readonly #insertDetail: Statement;
  readonly #insertResult: Statement;
  readonly #blocks: Statement<[number, number], number>;
  readonly #rows: Statement<[RowsQuery], ResultRow>;

  constructor(connection: Connection, displacements: Displacements) {
    this.#connection = connection;
    this.#displacements = displacements;
    const { db } = connection;
    this.#markMeasured = db.prepare("UPDATE entry SET measured = 1 WHERE id = ? AND measured = 0");
    this.#forgetFailure = db.prepare("DELETE FROM outcome WHERE entry_id = ? AND analysis_id = ? AND ok = 0");
    this.#has = db.prepare("SELECT 1 FROM outcome WHERE entry_id = ? AND analysis_id = ? AND ok = 1").pluck();
    this.#insertOutcome = db.prepare(`
      INSERT INTO outcome (id, entry_id, analysis_id, ok, error_code, error, processed_at_us, brightness, contrast, curve)
      VALUES (@id, @entryId, @analysisId, @ok, @code, @message, @nowUs, @brightness, @contrast, @curve)`);
    this.#isAgain = db
      .prepare<[number], number>("SELECT remeasured_at_us IS NOT NULL FROM analysis WHERE id = ?")
      .pluck();
    this.#nextAgain = db
      .prepare<[], number>(`SELECT coalesce(max(id), ${BEFORE_ALL}) + 1 FROM outcome WHERE id < 0`)
      .pluck();
    this.#insertDetail = db.prepare("INSERT INTO detail VALUES (?, ?, ?)");
    this.#insertResult = db.prepare("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#blocks = db
      .prepare<[number, number], number>(
        `SELECT DISTINCT id >> ${BLOCK_BITS} FROM entry INDEXED BY entry_time WHERE captured_at_us >= ? AND captured_at_us < ?`,
      )
      .pluck();
    // The join order is fixed: one seek per block, then the rows of the ROI in sequence, then the time of each.
    this.#rows = db
      .prepare<[RowsQuery], ResultRow>(`
        SELECT r.entry_id << ${FLAG_BITS} | r.flags, e.captured_at_us, r.position, r.standard_error, r.quality
        FROM json_each(@blocks) b CROSS JOIN result r CROSS JOIN entry e NOT INDEXED
        WHERE r.analysis_id = @analysisId AND r.block = b.value AND r.roi = @roi
          AND e.id = r.entry_id AND e.captured_at_us >= @fromUs AND e.captured_at_us < @toUs`)
      .raw();
  }

  /**
   * Stores a frame's result; returns the outcome's id. It replaces a failure of the same analysis; the table refuses a second
   * success. Call within a transaction.
   */
  insert(entryId: number, analysisId: number, result: StoredResult, nowUs: number): number {
    const { position, standardError, quality, flags } = result;
    if (
      standardError.length !== position.length ||
      quality.length !== position.length ||
      flags.length !== position.length
    ) {
      throw new RangeError(`a result's arrays differ in length: ${position.length} positions, ${flags.length} flags`);
    }
    this.#forgetFailure.run(entryId, analysisId);
    const id = this.#outcomeId(analysisId);
    // Only the run's own results decide whether an image may be removed.
    if (id === null && position.some(Number.isFinite)) this.#markMeasured.run(entryId);
    const { lastInsertRowid } = this.#insertOutcome.run({
      id,
      entryId,
      analysisId,
      ok: 1,
      code: null,
      message: null,
      nowUs,
      brightness: result.brightness,
      contrast: result.contrast,
      curve: packCurve(position, flags),
    });
    if (result.displacement !== undefined) {
      this.#displacements.insert(Number(lastInsertRowid), result.displacement, result.movedTooFar === true);
    }
    this.#insertDetail.run(lastInsertRowid, result.statistics, result.values ?? null);
    this.#insertRows(entryId, analysisId, result);
    if (result.companion !== undefined) this.#insertRows(entryId, result.companion.analysisId, result.companion);
    return Number(lastInsertRowid);
  }

  /** Null: the next id. Ids of repeated measurements are below those of runs, where no output's cursor is. */
  #outcomeId(analysisId: number): number | null {
    return this.#isAgain.get(analysisId) === 1 ? (this.#nextAgain.get() ?? null) : null;
  }

  #insertRows(entryId: number, analysisId: number, { position, standardError, quality, flags }: CompanionResult): void {
    const block = blockOf(entryId);
    for (let roi = 0; roi < position.length; roi += 1) {
      // NaN becomes NULL in SQLite.
      this.#insertResult.run(
        analysisId,
        block,
        roi,
        entryId,
        position[roi],
        standardError[roi],
        quality[roi],
        flags[roi],
      );
    }
  }

  /** Stores that an analysis failed on a frame; returns the outcome's id. Call within a transaction. */
  insertFailure(entryId: number, analysisId: number, { code, message }: FailureData, nowUs: number): number {
    this.#forgetFailure.run(entryId, analysisId);
    const nothing = { brightness: null, contrast: null, curve: null };
    return Number(
      this.#insertOutcome.run({
        ...{ id: this.#outcomeId(analysisId), entryId, analysisId, ok: 0, code, message, nowUs },
        ...nothing,
      }).lastInsertRowid,
    );
  }

  /**
   * Adds a result to an entry that may have results of other analyses; the entry's state stays. Refused if it has a result of
   * this analysis.
   */
  add(entryId: number, analysisId: number, result: StoredResult, nowUs: number): number {
    return this.#connection.write(() => this.insert(entryId, analysisId, result, nowUs));
  }

  /** Adds a failure of an analysis to an entry; the entry's state stays. */
  addFailure(entryId: number, analysisId: number, failure: FailureData, nowUs: number): number {
    return this.#connection.write(() => this.insertFailure(entryId, analysisId, failure, nowUs));
  }

  /** Whether a frame has been measured by an analysis. */
  has(entryId: number, analysisId: number): boolean {
    return this.#has.get(entryId, analysisId) !== undefined;
  }

  /** Returns the positions of one ROI over time. The arrays are empty if the analysis or the ROI has no results. */
  sensorgram({
    analysisId,
    roi,
    fromUs = Number.MIN_SAFE_INTEGER,
    toUs = Number.MAX_SAFE_INTEGER,
  }: SensorgramQuery): Sensorgram {
    const rows = this.#connection.db.transaction(() => {
      const blocks = JSON.stringify(this.#blocks.all(fromUs, toUs));
      return this.#rows.all({ analysisId, roi, fromUs, toUs, blocks });
    })();
    // The rows are in order, unless the clock was set back or entries came from elsewhere.
    if (!inOrder(rows)) rows.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    const sensorgram = {
      entryId: new Float64Array(rows.length),
      capturedAtUs: new Float64Array(rows.length),
      position: new Float64Array(rows.length),
      standardError: new Float64Array(rows.length),
      quality: new Float64Array(rows.length),
      flags: new Uint8Array(rows.length),
    };
    rows.forEach(([entryAndFlags, capturedAtUs, position, standardError, quality], i) => {
      const flags = entryAndFlags % 2 ** FLAG_BITS;
      sensorgram.entryId[i] = (entryAndFlags - flags) / 2 ** FLAG_BITS;
      sensorgram.capturedAtUs[i] = capturedAtUs;
      sensorgram.position[i] = position ?? Number.NaN;
      sensorgram.standardError[i] = standardError ?? Number.NaN;
      sensorgram.quality[i] = quality ?? Number.NaN;
      sensorgram.flags[i] = flags;
    });
    return sensorgram;
  }

  /**
   * Returns, for each entry, the positions of all `rois` ROIs and their standard errors, px, in full precision; NaN where there
   * is none.
   */
  framePositions(analysisId: number, entries: readonly number[], rois: number): Map<number, FramePositions> {
    return framePositions(this.#connection, analysisId, entries, rois);
  }

  /** Returns which of the frames that some analyses have measured show the simulated chip. Reads each of them. */
  simulatedFrames(...analysisIds: readonly number[]): FrameRanges {
    return simulatedFrames(this.#connection, analysisIds);
  }

  /** Returns which of the frames that some analyses have measured have a guessed capture time. Reads each of them. */
  guessedFrames(...analysisIds: readonly number[]): FrameRanges {
    return guessedFrames(this.#connection, analysisIds);
  }
}

function inOrder(rows: readonly ResultRow[]): boolean {
  let previous = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    if (row[1] < previous) return false;
    previous = row[1];
  }
  return true;
}

/** Returns the number of the result block that an entry belongs to. */
export function blockOf(entryId: number): number {
  return entryId >> BLOCK_BITS;
}
