// Claims that could not be settled. The stage's next unit of work returns them to the queue and fails with the cause, so that the
// stage waits before it tries again.
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

  /** Adds a claim. `problem`: what the stage should wait for; undefined if only this frame has a problem. */
  add(claim: Claim, countAttempt: boolean, problem?: FailureData): void {
    this.#claims.push({ claim, countAttempt });
    if (problem !== undefined) this.#problem = problem;
  }

  /** Returns the claims to the queue and throws the last problem. */
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
