// The order in which measured frames are settled. Frames are measured side by side and some take ten times as long as others;
// every output follows the order in which they are settled, so that is kept the order of capture, within a bounded wait.
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

  /** A frame is given out. `place`: where it is in the order of capture. */
  begin(entryId: number, place = entryId): void {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#unsettled.set(entryId, { place, ended, end });
  }

  /** The frame is settled, or waits for another try: those after it need not wait for it any more. */
  end(entryId: number): void {
    this.#unsettled.get(entryId)?.end();
    this.#unsettled.delete(entryId);
  }

  /** Measured frames that wait for their turn; they take up no thread. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Resolves when every frame in progress that was captured before is settled: true; or after the longest wait: false. `waits`
   * is called when there is something to wait for.
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
