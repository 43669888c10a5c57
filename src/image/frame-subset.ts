// A part of a series of frames: those of a window of time, every n-th of them, and no more than a number. What is left out is
// counted.
import { Failure } from "../failure/failure.ts";
import { isoFromUs } from "../system/iso-time.ts";

/** Which frames are taken. Plain data; absent: no limit. */
export interface FrameSubset {
  /** Takes the first frame of the window and every n-th after it; 1 takes all. */
  readonly every?: number | undefined;
  /** First and last moment, microseconds since the epoch; frames at exactly these are in. */
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Most frames to take. */
  readonly limit?: number | undefined;
}

/** Whether any frame could be left out. */
export function isSubset({ every = 1, fromUs, toUs, limit }: FrameSubset): boolean {
  return every > 1 || fromUs !== undefined || toUs !== undefined || limit !== undefined;
}

/** What to do where the window of time has no frame. */
export const NO_FRAME_IN_WINDOW = "choose from and to among these times";

/** Decides frame by frame, in the order of the series. */
export class SubsetCounter {
  readonly #subset: FrameSubset;
  #earlier = 0;
  #later = 0;
  #between = 0;
  #beyond = 0;
  #inWindow = 0;
  /** Frames of the window that are passed over before the next one is taken. */
  #untilNext = 0;
  #taken = 0;
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;

  constructor(subset: FrameSubset) {
    this.#subset = subset;
  }

  /** Whether the next frame of the series is taken; `takenAtUs` is its time, microseconds since the epoch. */
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

  /** The next frame of the series was taken by an earlier run, which chose it: the count continues from it. */
  noteTaken(takenAtUs: number): void {
    const { every = 1, fromUs = takenAtUs, toUs = takenAtUs } = this.#subset;
    this.#firstUs = Math.min(this.#firstUs, takenAtUs);
    this.#lastUs = Math.max(this.#lastUs, takenAtUs);
    if (takenAtUs < fromUs || takenAtUs > toUs) return;
    this.#inWindow += 1;
    this.#untilNext = every - 1;
    this.#taken += 1;
  }

  /** What was left out, with its numbers, in one line; undefined while nothing was. */
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

  /** Why not one frame was taken: the times that were asked for and those that there are; undefined where one was. */
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
 * The frames of a whole series that are taken, in their order, and a line that counts the others. Failure `usage.invalid` where
 * the window of time has no frame; it names the times that there are.
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
