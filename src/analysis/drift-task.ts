// The reference of an analysis is made from its first frame that can be measured; until it is there, frames wait for it,
// so that all of them are compared with the same one.
import type { TaskAnswer } from "./task.ts";

/** Hands the drift reference of one analysis to its frames. */
export class DriftKeeper {
  #reference: Uint8Array | undefined;
  #making: Promise<void> | undefined;
  #unkept: Uint8Array | undefined;

  /** @param reference the one kept from earlier, encoded; undefined while there is none. */
  constructor(reference?: Uint8Array) {
    this.#reference = reference;
  }

  get isKnown(): boolean {
    return this.#reference !== undefined;
  }

  /** A reference that was made but is not stored yet: it goes with the next result that can be. */
  get unkept(): Uint8Array | undefined {
    return this.#unkept;
  }

  /** Notes that `reference` is stored. */
  kept(reference: Uint8Array | undefined): void {
    if (this.#unkept === reference) this.#unkept = undefined;
  }

  /** Runs a frame's task with the reference; without one where this frame is to make it. */
  async run(task: (reference: Uint8Array | undefined) => Promise<TaskAnswer>): Promise<TaskAnswer> {
    while (this.#reference === undefined && this.#making !== undefined) await this.#making;
    if (this.#reference !== undefined) return await task(this.#reference);
    let done: () => void = () => undefined;
    this.#making = new Promise((resolve) => {
      done = resolve;
    });
    try {
      const answer = await task(undefined);
      if (answer.ok && answer.driftReference !== undefined) {
        this.#reference = answer.driftReference;
        this.#unkept = answer.driftReference;
      }
      return answer;
    } finally {
      this.#making = undefined;
      done();
    }
  }
}
