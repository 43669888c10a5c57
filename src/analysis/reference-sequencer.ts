// The references of an analysis, which are built from its first frames and used for all others: patches for the drift, the
// lines chosen from the data, and the reference of tracking. Only this file decides the order of frames, their turns,
// and what must be stored.
//
// While a reference is being built, frames are measured one at a time and in order, each with the results of those before: so
// no result depends on the number of threads. Then all frames are measured at the same time.
import { decodeLines, type LinesByMethod, linesComplete } from "./chosen-lines.ts";
import type { AnalysisSettings } from "./settings.ts";
import type { TaskAnswer, TaskRequest } from "./task.ts";
import { DEFAULT_REFERENCE_FRAMES, decodeReference, isComplete } from "./tracking.ts";

/** Encoded references, as they are stored. */
export interface MadeReferences {
  readonly drift?: Uint8Array | undefined;
  readonly lines?: LinesByMethod | undefined;
  readonly reference?: Uint8Array | undefined;
}

export interface SequencerOptions {
  /** Settings of the method. */
  readonly settings: AnalysisSettings;
  /** Settings of a tracking that is measured along with the method. */
  readonly companion?: AnalysisSettings | undefined;
  /** Whether the movement of the chip is measured, even if positions do not follow it. */
  readonly measuresDrift: boolean;
  /** References from earlier frames. */
  readonly made?: MadeReferences;
}

/** One frame's turn. */
export interface Turn {
  /** Measures the frame with the references from earlier frames. */
  measure(
    ask: (references: Pick<TaskRequest, "drift" | "lines" | "reference">) => Promise<TaskAnswer>,
  ): Promise<TaskAnswer>;
}

/** Provides the references of one analysis to its frames. */
export class ReferenceSequencer {
  readonly #joint: Growing | undefined;
  readonly #tracking: Growing | undefined;
  readonly #reference: Growing | undefined;
  readonly #measuresDrift: boolean;
  readonly #followsDrift: boolean;
  #drift: Uint8Array | undefined;
  #unkeptDrift: Uint8Array | undefined;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor({ settings, companion, measuresDrift, made = {} }: SequencerOptions) {
    const { lines, reference } = made;
    this.#measuresDrift = measuresDrift;
    this.#followsDrift = settings.trackDrift === true;
    this.#drift = made.drift;
    if (settings.method === "joint" && settings.jointLine === "auto") this.#joint = growingLines(lines?.joint);
    const tracking = settings.method === "tracking" ? settings : companion;
    if (tracking === undefined) return;
    const frames = tracking.referenceFrames ?? DEFAULT_REFERENCE_FRAMES;
    // In shared memory, so that passing it to a thread copies nothing.
    const shared = reference === undefined ? undefined : decodeReference(reference).bytes;
    this.#reference = new Growing((bytes) => isComplete(decodeReference(bytes), frames), shared);
    if (tracking.jointLine === "auto") this.#tracking = growingLines(lines?.tracking);
  }

  /** Whether a reference is still being built: results then depend on the order of the frames. */
  get needsOrder(): boolean {
    return !this.#isGrown || (this.#followsDrift && this.#drift === undefined);
  }

  /** A drift reference that is not stored yet: it is stored with the next result. */
  get unkeptDrift(): Uint8Array | undefined {
    return this.#unkeptDrift;
  }

  /** Runs a frame's work in its turn; immediately if no reference is being built. */
  async run<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    if (this.#isComplete) return await work(this.#turn(() => undefined));
    const before = this.#lastTurn;
    let end: () => void = () => undefined;
    this.#lastTurn = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      if (this.#isComplete) end();
      return await work(this.#turn(end));
    } finally {
      end();
    }
  }

  /**
   * Records what is stored now: the drift reference `drift`, and the contribution of the frame of `answer` (absent if its
   * result came too late to count). Call it within the frame's turn.
   */
  kept(drift: Uint8Array | undefined, answer: TaskAnswer | undefined): void {
    if (this.#unkeptDrift === drift) this.#unkeptDrift = undefined;
    if (answer?.ok !== true) return;
    this.#joint?.keep(answer.lines?.joint);
    this.#tracking?.keep(answer.lines?.tracking);
    this.#reference?.keep(answer.reference);
  }

  #turn(end: () => void): Turn {
    return {
      measure: async (ask) => {
        try {
          const answer = await ask(this.#references());
          if (answer.ok && answer.driftReference !== undefined && this.#drift === undefined) {
            this.#drift = answer.driftReference;
            this.#unkeptDrift = answer.driftReference;
          }
          return answer;
        } finally {
          // The drift reference exists now, or is left to the next frame: neither has to wait for this frame's result.
          if (this.#isGrown) end();
        }
      },
    };
  }

  #references(): Pick<TaskRequest, "drift" | "lines" | "reference"> {
    const lines: LinesByMethod = { joint: this.#joint?.bytes, tracking: this.#tracking?.bytes };
    const reference = this.#reference?.bytes;
    return {
      ...(this.#measuresDrift ? { drift: this.#drift ?? "make" } : {}),
      ...(lines.joint === undefined && lines.tracking === undefined ? {} : { lines }),
      ...(reference === undefined ? {} : { reference }),
    };
  }

  /** Whether frames no longer need to wait for each other. */
  get #isComplete(): boolean {
    return this.#isGrown && (!this.#measuresDrift || this.#drift !== undefined);
  }

  /** Whether further frames add nothing. */
  get #isGrown(): boolean {
    return [this.#joint, this.#tracking, this.#reference].every((one) => one?.isComplete !== false);
  }
}

/** A reference, encoded, that each of the first frames adds to. */
class Growing {
  readonly #isCompleteAs: (bytes: Uint8Array) => boolean;
  #bytes: Uint8Array | undefined;
  #complete: boolean;

  constructor(isCompleteAs: (bytes: Uint8Array) => boolean, bytes: Uint8Array | undefined) {
    this.#isCompleteAs = isCompleteAs;
    this.#bytes = bytes;
    this.#complete = bytes !== undefined && isCompleteAs(bytes);
  }

  get bytes(): Uint8Array | undefined {
    return this.#bytes;
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  keep(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || this.#complete) return;
    this.#bytes = bytes;
    this.#complete = this.#isCompleteAs(bytes);
  }
}

function growingLines(lines: Uint8Array | undefined): Growing {
  return new Growing(linesComplete, lines === undefined ? undefined : decodeLines(lines));
}
