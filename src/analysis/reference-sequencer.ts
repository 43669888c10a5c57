// What the first frames of an analysis make and all others are measured with: patches for the drift, the lines that the data
// choose, and the reference of tracking. One place for the order of frames, for their turns, and for what is to be kept.
import { DriftKeeper } from "./drift-task.ts";
import { type Grown, Growth } from "./growing-references.ts";
import type { AnalysisSettings } from "./settings.ts";
import type { TaskAnswer } from "./task.ts";

export interface SequencerOptions {
  /** Of the method. */
  readonly settings: AnalysisSettings;
  /** Of a tracking carried beside it. */
  readonly companion?: AnalysisSettings | undefined;
  /** What earlier frames have made: the reference of the drift, encoded, and what has grown. */
  readonly drift?: Uint8Array | undefined;
  readonly grown: Grown;
}

/** One frame's turn. */
export interface Turn {
  /** What the frames before it made. */
  readonly grown: Grown;
  /** Has the frame measured with the drift's reference, or lets it make that. */
  measure(ask: (drift: Uint8Array | "make") => Promise<TaskAnswer>): Promise<TaskAnswer>;
}

/** Hands the references of one analysis to its frames. */
export class ReferenceSequencer {
  readonly #drift: DriftKeeper;
  readonly #growth: Growth;
  readonly #tracksDrift: boolean;

  constructor({ settings, companion, drift, grown }: SequencerOptions) {
    this.#drift = new DriftKeeper(drift);
    this.#growth = new Growth(settings, companion, grown);
    this.#tracksDrift = settings.trackDrift === true;
  }

  /** Whether a reference is still being made: positions counted from it depend on which frames come first. */
  get needsOrder(): boolean {
    return !this.#growth.isComplete || (this.#tracksDrift && !this.#drift.isKnown);
  }

  /** A drift reference that is made and not stored yet: it goes with the next result that can be. */
  get unkeptDrift(): Uint8Array | undefined {
    return this.#drift.unkept;
  }

  /** Runs a frame's work in its turn. */
  run<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const measure: Turn["measure"] = (ask) => this.#drift.run((drift) => ask(drift ?? "make"));
    return this.#growth.run((grown) => work({ grown, measure }));
  }

  /** Notes that the drift reference `drift` is stored, and `answer` with all it added unless it came too late; within its turn. */
  kept(drift: Uint8Array | undefined, answer: TaskAnswer | undefined): void {
    this.#drift.kept(drift);
    if (answer !== undefined) this.#growth.keep(answer);
  }
}
