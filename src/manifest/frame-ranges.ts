// Ranges of frames with a property that every output must show: simulated frames, and frames with a guessed time.
import type { Connection } from "./connection.ts";
import { lowerBound } from "./timestamps.ts";

/** The frames that have a property, by capture time. */
export class FrameRanges {
  /** First and last capture time of each contiguous series, microseconds since the epoch, ascending. */
  readonly #firstUs: Float64Array;
  readonly #lastUs: Float64Array;

  /** `frames` must be in order of capture. */
  constructor(frames: Iterable<{ readonly capturedAtUs: number; readonly has: boolean }>) {
    const firstUs: number[] = [];
    const lastUs: number[] = [];
    let within = false;
    for (const { capturedAtUs, has } of frames) {
      if (has && !within) firstUs.push(capturedAtUs);
      if (has) lastUs[firstUs.length - 1] = capturedAtUs;
      within = has;
    }
    this.#firstUs = Float64Array.from(firstUs);
    this.#lastUs = Float64Array.from(lastUs);
  }

  /** Whether no frame has the property. */
  get none(): boolean {
    return this.#firstUs.length === 0;
  }

  /** Whether the frame captured at this time, microseconds since the epoch, has the property. */
  has(capturedAtUs: number): boolean {
    const at = lowerBound(this.#lastUs, capturedAtUs);
    return at < this.#lastUs.length && (this.#firstUs[at] as number) <= capturedAtUs;
  }
}

/** Returns the frames whose images come from a simulated camera. An experiment may contain both kinds. */
export const simulatedFrames = (connection: Connection, analysisIds: readonly number[]): FrameRanges =>
  rangesOf(connection, analysisIds, "e.camera_type IS 'simulated'");

/** Returns the frames whose capture time is guessed from the modification time of the file. */
export const guessedFrames = (connection: Connection, analysisIds: readonly number[]): FrameRanges =>
  rangesOf(connection, analysisIds, "e.time_source IS 'file'");

/** Returns the ranges among the frames that some analyses have measured. Reads each frame once. */
function rangesOf({ db }: Connection, analysisIds: readonly number[], property: string): FrameRanges {
  const rows = db
    .prepare<[string], { capturedAtUs: number; has: number }>(`
      SELECT e.captured_at_us AS capturedAtUs, ${property} AS has
      FROM outcome o JOIN entry e ON e.id = o.entry_id WHERE o.analysis_id IN (SELECT value FROM json_each(?)) AND o.ok = 1
      ORDER BY e.captured_at_us`)
    .iterate(JSON.stringify(analysisIds));
  return new FrameRanges(eachOf(rows));
}

function* eachOf(rows: Iterable<{ capturedAtUs: number; has: number }>) {
  for (const { capturedAtUs, has } of rows) yield { capturedAtUs, has: has === 1 };
}
