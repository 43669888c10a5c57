// Summarises the progress of copying in one line: the backlog, the speed, and whether the share keeps up.
import { megabytes } from "../../system/byte-size.ts";
import { counted } from "../../system/counted.ts";

/** The backlog is compared with its size this long ago. */
const TREND_MS = 60_000;
const MANY = 1000;

export class SyncProgress {
  private readonly waiting: () => number;
  private readonly now: () => number;
  private copies = 0;
  private bytesPerSecond: number | undefined;
  private before: { atMs: number; waiting: number } | undefined;
  private slow = false;

  /** @param waiting returns the number of waiting images, counted up to a little more than 1,000. */
  constructor(waiting: () => number, now: () => number = () => performance.now()) {
    this.waiting = waiting;
    this.now = now;
  }

  /** Records the result of a batch. */
  copied(pictures: number, bytes: number, tookMs: number): void {
    this.copies += pictures;
    if (bytes > 0) {
      const rate = (bytes * 1000) / Math.max(1, tookMs);
      this.bytesPerSecond = this.bytesPerSecond === undefined ? rate : 0.7 * this.bytesPerSecond + 0.3 * rate;
    }
    const atMs = this.now();
    const waiting = this.waiting();
    this.before ??= { atMs, waiting };
    if (atMs - this.before.atMs < TREND_MS) return;
    this.slow = waiting > this.before.waiting;
    this.before = { atMs, waiting };
  }

  /** Called when nothing is waiting. */
  caughtUp(): void {
    this.slow = false;
    this.before = undefined;
  }

  waitingText(): string {
    return waitingText(this.waiting());
  }

  note(): string {
    const waiting = this.waiting();
    const speed = this.bytesPerSecond === undefined ? "" : `, ${megabytes(this.bytesPerSecond)}/s`;
    const done = `${counted(this.copies, "image")} copied and verified in this run`;
    if (waiting === 0) return `all copied; ${done}`;
    const trend = this.slow ? "; SLOW: images arrive faster than the share can store them" : "";
    return `${waitingText(waiting)}; ${done}${speed}${trend}`;
  }
}

function waitingText(waiting: number): string {
  if (waiting === 1) return "1 image waiting";
  return `${waiting > MANY ? `more than ${MANY}` : waiting} images waiting`;
}
