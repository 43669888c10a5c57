// The last columns of a CSV of curves: the time since the first frame, and properties of some frames. A column for a property
// exists only if a frame has it. The established communicating_results.csv has none of them, because other programs know its
// columns.
import type { FrameRanges } from "../../../manifest/frame-ranges.ts";

/** Seconds since the first frame of the experiment. */
export const ELAPSED = "elapsed_s";
/** The time of capture is guessed. */
export const TIME_GUESSED = "time_guessed";
/** The frame shows the simulated chip. */
export const SIMULATED = "simulated";
/** Cell of a frame that has the property; other cells are empty. */
export const YES = "yes";

/** What is known about the frames of an experiment. */
export interface FrameFacts {
  /** Capture time of the first frame of the experiment, microseconds since the epoch. */
  readonly firstUs: number | undefined;
  readonly guessed: FrameRanges;
  readonly simulated: FrameRanges;
}

export class FrameColumns {
  readonly #firstUs: number | undefined;
  readonly #properties: readonly (readonly [string, FrameRanges])[];

  constructor({ firstUs, guessed, simulated }: FrameFacts) {
    this.#firstUs = firstUs;
    const all = [[TIME_GUESSED, guessed] as const, [SIMULATED, simulated] as const];
    this.#properties = all.filter(([, frames]) => !frames.none);
  }

  /** The names of these columns. */
  get header(): string[] {
    return [ELAPSED, ...this.#properties.map(([name]) => name)];
  }

  /** Returns the cells of the frame captured at this time, microseconds since the epoch. */
  cells(capturedAtUs: number): string[] {
    return [
      elapsedText(capturedAtUs, this.#firstUs),
      ...this.#properties.map(([, frames]) => (frames.has(capturedAtUs) ? YES : "")),
    ];
  }
}

/** Formats the seconds since the first frame, to the microsecond; empty without a first frame. */
export function elapsedText(capturedAtUs: number, firstUs: number | undefined): string {
  return firstUs === undefined ? "" : String((capturedAtUs - firstUs) / 1e6);
}
