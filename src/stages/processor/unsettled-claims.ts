// Claims that could not be settled: they return to the queue with the stage's next unit of work, and what was in their way is its
// failure, so that the stage waits before it tries again.
import { decodeFailure, type FailureData } from "../../failure/failure.ts";
import type { Claim } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { FrameQueue } from "./frame-queue.ts";

export class UnsettledClaims {
  readonly #manifest: Manifest;
  readonly #queue: FrameQueue;
  readonly #claims: { readonly claim: Claim; readonly countAttempt: boolean }[] = [];
  #problem: FailureData | undefined;

  constructor(manifest: Manifest, queue: FrameQueue) {
    this.#manifest = manifest;
    this.#queue = queue;
  }

  /** `problem`: what the stage should wait for; undefined where only this frame does. */
  add(claim: Claim, countAttempt: boolean, problem?: FailureData): void {
    this.#claims.push({ claim, countAttempt });
    if (problem !== undefined) this.#problem = problem;
  }

  /** Gives back what was added and throws the last problem. */
  async raise(): Promise<void> {
    const problem = this.#problem;
    await this.giveBack();
    this.#problem = undefined;
    if (problem !== undefined) throw decodeFailure(problem);
  }

  async giveBack(): Promise<void> {
    while (this.#claims.length > 0) {
      await this.#manifest.whenFree(() => {
        const next = this.#claims.at(-1);
        if (next === undefined) return;
        this.#queue.release(next.claim, { countAttempt: next.countAttempt });
        this.#claims.pop();
      });
    }
  }
}
