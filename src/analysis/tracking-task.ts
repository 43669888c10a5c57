// The reference of a tracking analysis on its way through the pool. While it grows, frames go one at a time and in the order
// in which they come, each against those before it, so that it does not depend on the number of threads; then all at once.
import { decodeReference, isComplete } from "./tracking.ts";

/** Hands the reference of one analysis to its frames. */
export class TrackingKeeper {
  readonly #frames: number;
  #reference: Uint8Array | undefined;
  #complete: boolean;
  #lastTurn: Promise<void> = Promise.resolve();

  /**
   * @param frames wanted in the reference.
   * @param reference the one kept from earlier, encoded; undefined while there is none.
   */
  constructor(frames: number, reference?: Uint8Array) {
    this.#frames = frames;
    this.#reference = reference === undefined ? undefined : decodeReference(reference).bytes;
    this.#complete = this.#isComplete();
  }

  /** Whether frames no longer wait for each other. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Runs a frame's work with the reference of the frames before it; undefined for the first one. */
  async run<T>(work: (reference: Uint8Array | undefined) => Promise<T>): Promise<T> {
    if (this.#complete) return await work(this.#reference);
    const before = this.#lastTurn;
    let done: () => void = () => undefined;
    this.#lastTurn = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      if (this.#complete) done();
      return await work(this.#reference);
    } finally {
      done();
    }
  }

  /** Takes over the grown reference of a frame whose result is safe; within that frame's work. */
  keep(reference: Uint8Array | undefined): void {
    if (reference === undefined || this.#complete) return;
    this.#reference = reference;
    this.#complete = this.#isComplete();
  }

  #isComplete(): boolean {
    return this.#reference !== undefined && isComplete(decodeReference(this.#reference), this.#frames);
  }
}
