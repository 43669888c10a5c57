// Finds the baseline in the opening of an experiment: the first period in which nothing happens. Markers and steps in the data
// divide the first seconds into stretches; the first one with enough frames is the baseline. Only the frames up to its end and
// a few more are used, so that the answer stays the same however long the experiment becomes.
import { FLAGS } from "../measurement/method.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { CONFIRMING_FRAMES, StepFinder } from "./step-finder.ts";

/** Why a stretch begins or ends; `limit`: the first frame, or the configured length. */
export type Edge = "limit" | "marker" | "step";

export interface Stretch {
  readonly window: TimeWindow;
  readonly begins: Edge;
  readonly ends: Edge;
}

/** A frame of the opening, in the form of the manifest's curves. */
export interface OpeningFrame {
  readonly capturedAtUs: number;
  readonly position: Float32Array;
  readonly flags: Uint8Array;
}

/** Minimum number of frames of a baseline. */
const ENOUGH_FRAMES = 8;
/** Number of frames that are searched again after a step. */
const KEPT_FRAMES = 2 * CONFIRMING_FRAMES;
/**
 * Flags that exclude a position. `jumped` does not: an ROI that moves with the others in a step is flagged as a jump in the
 * frames after it.
 */
const DOUBTFUL = 0xff & ~FLAGS.jumped;

export class Opening {
  readonly #lengthUs: number;
  readonly #timesUs: number[] = [];
  readonly #stepsUs: number[] = [];
  #finder = new StepFinder();
  /** Index of the finder's first frame. */
  #finderFrom = 0;
  #kept: Float64Array[] = [];

  constructor(openingSeconds: number) {
    this.#lengthUs = Math.max(1, openingSeconds * 1e6);
  }

  /** Capture time of the first frame; undefined before it. */
  get firstUs(): number | undefined {
    return this.#timesUs[0];
  }

  /** Whether the opening is complete, so that later frames do not matter. */
  get isComplete(): boolean {
    const [fromUs] = this.#timesUs;
    return fromUs !== undefined && this.#confirmed(fromUs + this.#lengthUs);
  }

  /** Number of frames so far. */
  get frames(): number {
    return this.#timesUs.length;
  }

  /** Capture time of the last frame so far; undefined before the first. */
  get lastUs(): number | undefined {
    return this.#timesUs.at(-1);
  }

  /** The confirmed steps so far: the time of the first frame after each. */
  get stepsUs(): readonly number[] {
    return this.#stepsUs;
  }

  /** Adds the next frame in order of capture. */
  add({ capturedAtUs, position, flags }: OpeningFrame): void {
    this.#timesUs.push(capturedAtUs);
    const sound = Float64Array.from(position, (px, roi) => ((flags[roi] ?? 0) & DOUBTFUL ? Number.NaN : px));
    this.#kept.push(sound);
    if (this.#kept.length > KEPT_FRAMES) this.#kept.shift();
    let step = this.#finder.add(sound);
    while (step !== undefined) step = this.#goOnFrom(this.#finderFrom + step);
  }

  /** Continues with a new level after a step. */
  #goOnFrom(index: number): number | undefined {
    this.#stepsUs.push(this.#timesUs[index] as number);
    this.#finder = new StepFinder();
    this.#finderFrom = index;
    const frames = this.#kept.slice(index - this.#timesUs.length);
    return frames.map((position) => this.#finder.add(position)).find((found) => found !== undefined);
  }

  /**
   * Returns the quiet stretch, given the times of markers and the start of the first injection, which it never contains;
   * undefined before the first frame. `settled`: later frames do not change it.
   */
  quiet(markersUs: readonly number[], injectionUs?: number): (Stretch & { readonly settled: boolean }) | undefined {
    const [fromUs] = this.#timesUs;
    if (fromUs === undefined) return undefined;
    const toUs = fromUs + this.#lengthUs;
    const within = (edge: Edge, timesUs: readonly number[]) =>
      timesUs.filter((atUs) => atUs > fromUs && atUs < toUs).map((atUs) => ({ atUs, edge }));
    const edges: { atUs: number; edge: Edge }[] = [
      { atUs: fromUs, edge: "limit" },
      ...[...within("marker", markersUs), ...within("step", this.#stepsUs)].sort((a, b) => a.atUs - b.atUs),
      { atUs: toUs, edge: "limit" },
    ];
    const stretches = edges.slice(1).map(({ atUs, edge }, at) => {
      const before = edges[at] as (typeof edges)[number];
      const window = { fromUs: before.atUs, toUs: atUs };
      return { window, begins: before.edge, ends: edge, frames: this.#framesFrom(window.fromUs, window.toUs) };
    });
    // Few frames before the first injection are a better baseline than many in it.
    const before = stretches.filter(({ window, frames }) => frames > 0 && window.toUs <= (injectionUs ?? toUs));
    const candidates = before.length > 0 ? before : stretches;
    const enough = candidates.find(({ frames }) => frames >= ENOUGH_FRAMES);
    const { frames, ...stretch } =
      enough ?? candidates.reduce((longest, one) => (one.frames > longest.frames ? one : longest));
    const isEnough = frames >= ENOUGH_FRAMES;
    // A step is confirmed when it is found; after that, no earlier one can be found.
    const settled =
      (isEnough && stretch.ends === "step") ||
      this.#confirmed(isEnough ? stretch.window.toUs : Math.min(toUs, injectionUs ?? toUs));
    return { ...stretch, settled };
  }

  /** Whether no step before a time can be found any more. */
  #confirmed(atUs: number): boolean {
    return (this.#timesUs.at(-CONFIRMING_FRAMES) ?? Number.NEGATIVE_INFINITY) >= atUs;
  }

  #framesFrom(fromUs: number, toUs: number): number {
    return this.#timesUs.filter((timeUs) => timeUs >= fromUs && timeUs < toUs).length;
  }
}
