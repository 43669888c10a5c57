// The last column of a CSV that holds frames of the simulated chip: its header and a "yes" next to each of them say so. A CSV
// without such frames does not have it, nor does the established communicating_results.csv, whose columns other programs know.
import type { SimulatedFrames } from "../../../manifest/simulated-frames.ts";

/** Name of the column. */
export const SIMULATED = "simulated";
/** What stands in it next to what is simulated; the cell is empty next to everything else. */
export const YES = "yes";

export class SimulatedColumn {
  readonly #frames: SimulatedFrames;

  constructor(frames: SimulatedFrames) {
    this.#frames = frames;
  }

  /** What follows the names of the other columns. */
  get header(): string[] {
    return this.#frames.none ? [] : [SIMULATED];
  }

  /** What follows the other cells of the frame captured at this time, microseconds since the epoch. */
  cells(capturedAtUs: number): string[] {
    if (this.#frames.none) return [];
    return [this.#frames.has(capturedAtUs) ? YES : ""];
  }
}
