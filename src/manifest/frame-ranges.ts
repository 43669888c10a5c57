// Which frames of an experiment have a property that what is made of them must show: they are simulated, or their times are
// guessed.
import type { Connection } from "./connection.ts";
import { lowerBound } from "./timestamps.ts";

/** The frames that have a property, by their times of capture. */
export class FrameRanges {
  /** First and last capture of each unbroken series of them, microseconds since the epoch, ascending. */
  readonly #firstUs: Float64Array;
  readonly #lastUs: Float64Array;

  /** `frames` in order of capture. */
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

  /** Whether there is none. */
  get none(): boolean {
    return this.#firstUs.length === 0;
  }

  /** Whether the frame captured at this time, microseconds since the epoch, is one of them. */
  has(capturedAtUs: number): boolean {
    const at = lowerBound(this.#lastUs, capturedAtUs);
    return at < this.#lastUs.length && (this.#firstUs[at] as number) <= capturedAtUs;
  }
}

/** Frames with pictures that a simulated camera made. An experiment may hold frames of both kinds. */
export const simulatedFrames = (connection: Connection, analysisIds: readonly number[]): FrameRanges =>
  rangesOf(connection, analysisIds, "e.camera_type IS 'simulated'");

/** Frames whose time of capture is guessed from the file's time of modification. */
export const guessedFrames = (connection: Connection, analysisIds: readonly number[]): FrameRanges =>
  rangesOf(connection, analysisIds, "e.time_source IS 'file'");

/** Of the frames that some analyses have measured. Looks at each of them once. */
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
