// Frames that are measured again, in order of capture. Their entries stay as they are: only results of the new analysis are added.
// A frame that already has a result is not measured again, so the same list continues an interrupted remeasurement.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FailureData } from "../../failure/failure.ts";
import { type Claim, type ClaimChoice, otherForm } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { isInside } from "../../manifest/picture-place.ts";
import type { StoredResult } from "../../manifest/results.ts";
import type { FrameQueue } from "./frame-queue.ts";

/** A frame that has, or had, a picture. */
export interface FrameAgain {
  readonly entryId: number;
  readonly filename: string;
  /** Directory, absolute. */
  readonly filepath: string;
  readonly page: number | undefined;
  readonly capturedAtUs: number;
}

interface Handed {
  readonly frame: FrameAgain;
  readonly place: number;
  attempts: number;
  claim: number;
}

export interface FramesAgainOptions {
  readonly manifest: Manifest;
  /** In order of capture; without those that the analysis has measured. */
  readonly frames: readonly FrameAgain[];
  readonly remoteRoot: string;
  /** Called when a frame has a result, or has failed for good. */
  settled(outcome: "measured" | "failed"): void;
  /** Called when the image of a frame is in none of its places. */
  gone(frame: FrameAgain): void;
}

export class FramesAgain implements FrameQueue {
  readonly #options: FramesAgainOptions;
  /** In order of capture, the next one last. */
  readonly #waiting: Handed[];
  readonly #handed = new Map<number, Handed>();

  constructor(options: FramesAgainOptions) {
    this.#options = options;
    this.#waiting = options.frames.map((frame, place) => ({ frame, place, attempts: 0, claim: 0 })).reverse();
  }

  counts(): { readonly pending: number; readonly processing: number } {
    return { pending: this.#waiting.length, processing: this.#handed.size };
  }

  claim(
    limit: number,
    _nowUs: number,
    { except = [], attemptsBelow = Number.POSITIVE_INFINITY }: ClaimChoice,
  ): Claim[] {
    const claims: Claim[] = [];
    const passedOver: Handed[] = [];
    while (claims.length < limit) {
      const next = this.#waiting.pop();
      if (next === undefined) break;
      if (except.includes(next.frame.entryId) || next.attempts >= attemptsBelow) {
        passedOver.push(next);
        continue;
      }
      const found = this.#whereItIs(next.frame);
      if (found === undefined) {
        this.#options.gone(next.frame);
        continue;
      }
      next.attempts += 1;
      next.claim += 1;
      this.#handed.set(next.frame.entryId, next);
      claims.push({ ...next.frame, ...found, claim: next.claim, attempts: next.attempts });
    }
    this.#waiting.push(...passedOver.reverse());
    return claims;
  }

  release(claim: Claim, { countAttempt }: { readonly countAttempt: boolean }): void {
    const handed = this.#take(claim);
    if (handed === undefined) return;
    if (!countAttempt) handed.attempts -= 1;
    const after = this.#waiting.findLastIndex(({ place }) => place > handed.place);
    this.#waiting.splice(after + 1, 0, handed);
  }

  placeOf({ entryId }: Claim): number {
    return this.#handed.get(entryId)?.place ?? entryId;
  }

  complete(claim: Claim, analysisId: number, result: StoredResult, nowUs: number): number | undefined {
    if (this.#handed.get(claim.entryId)?.claim !== claim.claim) return undefined;
    return this.#options.manifest.results.add(claim.entryId, analysisId, result, nowUs);
  }

  committed(claim: Claim): void {
    if (this.#take(claim) !== undefined) this.#options.settled("measured");
  }

  fail(claim: Claim, failure: FailureData, nowUs: number, analysisId: number | undefined): number {
    const { manifest, gone, settled } = this.#options;
    const isGone = failure.code === "frame.missing";
    const isOurs = this.#handed.get(claim.entryId)?.claim === claim.claim;
    if (isOurs && !isGone && analysisId !== undefined)
      manifest.results.addFailure(claim.entryId, analysisId, failure, nowUs);
    const handed = this.#take(claim);
    if (handed === undefined) return 0;
    if (isGone) gone(handed.frame);
    else settled("failed");
    return 0;
  }

  #take({ entryId, claim }: Claim): Handed | undefined {
    const handed = this.#handed.get(entryId);
    if (handed?.claim !== claim) return undefined;
    this.#handed.delete(entryId);
    return handed;
  }

  /** Returns where the image is: as its row says, otherwise in its other form (compressed or not), otherwise on the share. */
  #whereItIs({
    entryId,
    filename,
    filepath,
  }: FrameAgain): { readonly filename: string; readonly filepath: string } | undefined {
    const { manifest, remoteRoot } = this.#options;
    const places = [
      { filepath, filename },
      { filepath, filename: otherForm(filename) },
    ];
    const remotePath = remoteRoot === "" ? undefined : manifest.checks.picture(entryId)?.remotePath;
    if (remotePath !== undefined) {
      const copy = join(remoteRoot, remotePath);
      if (isInside(dirname(copy), remoteRoot)) places.push({ filepath: dirname(copy), filename: basename(copy) });
    }
    return places.find((place) => existsSync(join(place.filepath, place.filename)));
  }
}
