// Selects a part of a series of frames: a time window, every n-th frame, and a maximum number. Counts what is left out.
import { Failure } from "../failure/failure.ts";
import { isoFromUs } from "../system/iso-time.ts";

/** The selection. Plain data; an absent value means no limit. */
export interface FrameSubset {
  /** Take the first frame of the window and every n-th after it; 1 takes all. */
  readonly every?: number | undefined;
  /** First and last time of the window, inclusive, microseconds since the epoch. */
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Maximum number of frames. */
  readonly limit?: number | undefined;
}

/** Whether any frame could be left out. */
export function isSubset({ every = 1, fromUs, toUs, limit }: FrameSubset): boolean {
  return every > 1 || fromUs !== undefined || toUs !== undefined || limit !== undefined;
}

/** What to do if the time window contains no frame. */
export const NO_FRAME_IN_WINDOW = "choose from and to among these times";

/** Decides for each frame whether it is taken. Call it in the order of the series. */
export class SubsetCounter {
  readonly #subset: FrameSubset;
  #earlier = 0;
  #later = 0;
  #between = 0;
  #beyond = 0;
  #inWindow = 0;
  /** Frames of the window to skip before the next one is taken. */
  #untilNext = 0;
  #taken = 0;
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;

  constructor(subset: FrameSubset) {
    this.#subset = subset;
  }

  /** Decides whether the next frame of the series is taken. `takenAtUs` is its time, microseconds since the epoch. */
  takes(takenAtUs: number): boolean {
    const { every = 1, fromUs, toUs, limit = Number.POSITIVE_INFINITY } = this.#subset;
    this.#firstUs = Math.min(this.#firstUs, takenAtUs);
    this.#lastUs = Math.max(this.#lastUs, takenAtUs);
    if (fromUs !== undefined && takenAtUs < fromUs) this.#earlier += 1;
    else if (toUs !== undefined && takenAtUs > toUs) this.#later += 1;
    else {
      this.#inWindow += 1;
      if (this.#untilNext > 0) {
        this.#untilNext -= 1;
        this.#between += 1;
        return false;
      }
      this.#untilNext = every - 1;
      if (this.#taken < limit) {
        this.#taken += 1;
        return true;
      }
      this.#beyond += 1;
    }
    return false;
  }

  /** Records that an earlier run took the next frame of the series; the count continues from it. */
  noteTaken(takenAtUs: number): void {
    const { every = 1, fromUs = takenAtUs, toUs = takenAtUs } = this.#subset;
    this.#firstUs = Math.min(this.#firstUs, takenAtUs);
    this.#lastUs = Math.max(this.#lastUs, takenAtUs);
    if (takenAtUs < fromUs || takenAtUs > toUs) return;
    this.#inWindow += 1;
    this.#untilNext = every - 1;
    this.#taken += 1;
  }

  /** One line that counts what was left out; undefined if nothing was. */
  get leftOutLine(): string | undefined {
    const { every } = this.#subset;
    const parts: readonly (readonly [number, string])[] = [
      [this.#earlier, "before from"],
      [this.#later, "after to"],
      [this.#between, `skipped by every ${every}`],
      [this.#beyond, `beyond the limit of ${this.#subset.limit}`],
    ];
    const counted = parts.filter(([count]) => count > 0);
    const leftOut = counted.reduce((sum, [count]) => sum + count, 0);
    if (leftOut === 0) return undefined;
    const reasons = counted.map(([count, reason]) => `${count} ${reason}`).join(", ");
    return `left out ${leftOut} of ${leftOut + this.#taken} frames: ${reasons}`;
  }

  /** One line that explains why no frame was taken, with the requested and the existing times; undefined if one was taken. */
  get emptyLine(): string | undefined {
    const seen = this.#earlier + this.#later;
    if (this.#inWindow > 0 || seen === 0) return undefined;
    const { fromUs, toUs } = this.#subset;
    const asked = [
      ...(fromUs === undefined ? [] : [`from ${isoFromUs(fromUs)}`]),
      ...(toUs === undefined ? [] : [`to ${isoFromUs(toUs)}`]),
    ].join(" ");
    const there = seen === 1 ? "the only frame is" : `the ${seen} frames are`;
    const range = seen === 1 ? "" : ` to ${isoFromUs(this.#lastUs)}`;
    return `no frame ${asked}: ${there} from ${isoFromUs(this.#firstUs)}${range}`;
  }
}

/**
 * Returns the selected frames of a series, in order, and a line that counts the others. Failure `usage.invalid` if the time
 * window contains no frame; the message lists the existing times.
 */
export function selectFrames<T extends { readonly takenAtUs: number }>(
  frames: readonly T[],
  subset: FrameSubset,
): { readonly taken: readonly T[]; readonly leftOut: string | undefined } {
  const counter = new SubsetCounter(subset);
  const taken = frames.filter(({ takenAtUs }) => counter.takes(takenAtUs));
  const { emptyLine, leftOutLine } = counter;
  if (emptyLine !== undefined) {
    throw new Failure("usage.invalid", emptyLine, { hint: NO_FRAME_IN_WINDOW });
  }
  return { taken, leftOut: leftOutLine };
}
