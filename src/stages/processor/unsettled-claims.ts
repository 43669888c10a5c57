// Claims that could not be settled: they return to the queue with the stage's next unit of work, and what was in their way is its
// failure, so that the stage waits before it tries again.
import { decodeFailure, type FailureData } from "../../failure/failure.ts";
import type { Claim } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";

export class UnsettledClaims {
  readonly #manifest: Manifest;
  readonly #claims: { readonly claim: Claim; readonly countAttempt: boolean }[] = [];
  #trouble: FailureData | undefined;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  /** `trouble`: what the stage should wait for; undefined where only this frame does. */
  add(claim: Claim, countAttempt: boolean, trouble?: FailureData): void {
    this.#claims.push({ claim, countAttempt });
    if (trouble !== undefined) this.#trouble = trouble;
  }

  /** Gives back what was added and throws the last trouble. */
  async raise(): Promise<void> {
    const trouble = this.#trouble;
    await this.giveBack();
    this.#trouble = undefined;
    if (trouble !== undefined) throw decodeFailure(trouble);
  }

  async giveBack(): Promise<void> {
    while (this.#claims.length > 0) {
      await this.#manifest.whenFree(() => {
        const next = this.#claims.at(-1);
        if (next === undefined) return;
        this.#manifest.entries.release(next.claim, { countAttempt: next.countAttempt });
        this.#claims.pop();
      });
    }
  }
}
