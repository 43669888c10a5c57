// Keeps the settling of measured frames in order of capture, within a limited wait. Frames are measured in parallel, some take
// ten times as long as others, and every output follows the order in which they are settled.
import { isDoneWithin } from "../../system/deadline.ts";

interface Unsettled {
  readonly place: number;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

export class CaptureOrder {
  readonly #waitMs: number;
  readonly #unsettled = new Map<number, Unsettled>();
  #waiting = 0;

  /** @param waitMs longest time that a frame waits for those captured before it. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Called when a frame is handed out. `place`: its position in the order of capture. */
  begin(entryId: number, place = entryId): void {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#unsettled.set(entryId, { place, ended, end });
  }

  /** Called when the frame is settled, or waits for another attempt: later frames need not wait for it any more. */
  end(entryId: number): void {
    this.#unsettled.get(entryId)?.end();
    this.#unsettled.delete(entryId);
  }

  /** Number of measured frames that wait for their turn; they occupy no thread. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Resolves with true when all frames in progress that were captured before are settled, with false after the longest wait.
   * Calls `waits` if it has to wait.
   */
  async turn(entryId: number, waits: () => void): Promise<boolean> {
    const own = this.#unsettled.get(entryId)?.place ?? entryId;
    const before = [...this.#unsettled.values()].filter(({ place }) => place < own).map(({ ended }) => ended);
    if (before.length === 0) return true;
    this.#waiting += 1;
    waits();
    try {
      return await isDoneWithin(Promise.all(before), this.#waitMs);
    } finally {
      this.#waiting -= 1;
    }
  }
}
