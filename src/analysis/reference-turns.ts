// What the first frames of an analysis make, one after the other: each is measured with what the frames before it made, so
// that it does not depend on the number of threads. Once it is complete, frames are measured at the same time.

/** Hands what grows to the frames of one analysis. */
export class TurnKeeper {
  readonly #isCompleteAs: (bytes: Uint8Array) => boolean;
  #bytes: Uint8Array | undefined;
  #complete: boolean;
  #lastTurn: Promise<void> = Promise.resolve();

  /**
   * @param isComplete whether no further frame changes it.
   * @param bytes what was kept from earlier, encoded; undefined before the first frame.
   */
  constructor(isComplete: (bytes: Uint8Array) => boolean, bytes?: Uint8Array) {
    this.#isCompleteAs = isComplete;
    this.#bytes = bytes;
    this.#complete = bytes !== undefined && isComplete(bytes);
  }

  /** Whether frames no longer wait for each other. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Runs a frame's work with what the frames before it made; undefined for the first one. */
  async run<T>(work: (bytes: Uint8Array | undefined) => Promise<T>): Promise<T> {
    if (this.#complete) return await work(this.#bytes);
    const before = this.#lastTurn;
    let done: () => void = () => undefined;
    this.#lastTurn = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      if (this.#complete) done();
      return await work(this.#bytes);
    } finally {
      done();
    }
  }

  /** Takes over what a frame has added to, once its result is safe; within that frame's work. */
  keep(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || this.#complete) return;
    this.#bytes = bytes;
    this.#complete = this.#isCompleteAs(bytes);
  }
}

/** Runs work in its turn where something is still growing, and at once where nothing is. */
export function inTurn<T>(
  keeper: TurnKeeper | undefined,
  work: (bytes: Uint8Array | undefined) => Promise<T>,
): Promise<T> {
  return keeper === undefined ? work(undefined) : keeper.run(work);
}
