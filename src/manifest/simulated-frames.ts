// Which frames show the simulated chip, so that what is made of them can say so.
import type { Connection } from "./connection.ts";
import { lowerBound } from "./timestamps.ts";

/** The frames of an experiment whose pictures a simulated camera made. An experiment may hold frames of both kinds. */
export class SimulatedFrames {
  /** First and last capture of each unbroken series of them, microseconds since the epoch, ascending. */
  readonly #firstUs: Float64Array;
  readonly #lastUs: Float64Array;

  constructor(frames: Iterable<{ readonly capturedAtUs: number; readonly simulated: boolean }>) {
    const firstUs: number[] = [];
    const lastUs: number[] = [];
    let within = false;
    for (const { capturedAtUs, simulated } of frames) {
      if (simulated && !within) firstUs.push(capturedAtUs);
      if (simulated) lastUs[firstUs.length - 1] = capturedAtUs;
      within = simulated;
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

/** Of the frames that an analysis has measured. Looks at each of them once. */
export function simulatedFrames({ db }: Connection, analysisId: number): SimulatedFrames {
  const rows = db
    .prepare<[number], { capturedAtUs: number; simulated: number }>(`
      SELECT e.captured_at_us AS capturedAtUs, e.camera_type IS 'simulated' AS simulated
      FROM outcome o JOIN entry e ON e.id = o.entry_id WHERE o.analysis_id = ? AND o.ok = 1 ORDER BY e.captured_at_us`)
    .iterate(analysisId);
  return new SimulatedFrames(eachOf(rows));
}

function* eachOf(rows: Iterable<{ capturedAtUs: number; simulated: number }>) {
  for (const { capturedAtUs, simulated } of rows) yield { capturedAtUs, simulated: simulated === 1 };
}
