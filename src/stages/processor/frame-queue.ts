// The queue of frames to be measured, and the store of their results: the pending entries of a run, or a list of frames that are
// measured again (frames-again.ts).
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FailureData } from "../../failure/failure.ts";
import type { Claim, ClaimChoice } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { StoredResult } from "../../manifest/results.ts";

export interface FrameQueue {
  /** Returns the number of waiting frames and of claimed frames. */
  counts(): { readonly pending: number; readonly processing: number };
  /** Claims up to `limit` frames, in the order in which they should be measured. */
  claim(limit: number, nowUs: number, choice: ClaimChoice): Claim[];
  /** Returns the frame to the queue; the attempt does not count unless `countAttempt` is set. */
  release(claim: Claim, options: { readonly countAttempt: boolean }): void;
  /** Returns the position of a frame in the order of capture. */
  placeOf(claim: Claim): number;
  /** Stores a result; returns undefined, with nothing changed, if the frame was claimed again in the meantime. */
  complete(claim: Claim, analysisId: number, result: StoredResult, nowUs: number): number | undefined;
  /** Called after the transaction with the result is committed. */
  committed?(claim: Claim): void;
  /** Records a warning about the image. */
  addWarning?(entryId: number, warning: string): void;
  /** Marks the frame as failed for good. Returns how many other frames of its file failed with it. */
  fail(claim: Claim, failure: FailureData, nowUs: number, analysisId: number | undefined): number;
}

/** The pending entries of a run. */
export class PendingFrames implements FrameQueue {
  readonly #manifest: Manifest;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  counts(): { readonly pending: number; readonly processing: number } {
    return this.#manifest.history.counts();
  }

  claim(limit: number, nowUs: number, choice: ClaimChoice): Claim[] {
    return this.#manifest.entries.claimPending(limit, nowUs, choice);
  }

  release(claim: Claim, options: { readonly countAttempt: boolean }): void {
    this.#manifest.entries.release(claim, options);
  }

  /** Entries are numbered in the order of capture. */
  placeOf({ entryId }: Claim): number {
    return entryId;
  }

  complete(claim: Claim, analysisId: number, result: StoredResult, nowUs: number): number | undefined {
    return this.#manifest.complete(claim, analysisId, result, nowUs);
  }

  addWarning(entryId: number, warning: string): void {
    this.#manifest.entries.addWarning(entryId, warning);
  }

  fail(claim: Claim, failure: FailureData, nowUs: number, analysisId: number | undefined): number {
    const { entries } = this.#manifest;
    this.#manifest.fail(claim, failure, nowUs, analysisId);
    const isGone = failure.code === "frame.missing" && !existsSync(join(claim.filepath, claim.filename));
    if (!isGone) return 0;
    entries.markMissing(claim.entryId);
    return entries.failPages(claim.entryId, nowUs);
  }
}
