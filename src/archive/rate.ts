// Limits the total bytes per second of all copies that run at the same time.
import { setTimeout as sleep } from "node:timers/promises";

/** A token bucket that holds up to one second's worth of bytes. Times are monotonic. */
export class RateLimit {
  private readonly bytesPerSecond: number;
  private readonly now: () => number;
  private tokens: number;
  private filledMs: number;

  /** @param bytesPerSecond 0 for no limit. */
  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    this.bytesPerSecond = bytesPerSecond;
    this.now = now;
    this.tokens = bytesPerSecond;
    this.filledMs = now();
  }

  /** The largest piece to request at once, so that a slow rate is still even. */
  get pieceBytes(): number {
    return this.bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : Math.max(4096, Math.floor(this.bytesPerSecond / 4));
  }

  /** Reserves `bytes` at once and returns how long to wait for them, ms: later callers wait behind earlier ones. */
  reserve(bytes: number): number {
    if (this.bytesPerSecond === 0) return 0;
    const nowMs = this.now();
    this.tokens = Math.min(this.bytesPerSecond, this.tokens + ((nowMs - this.filledMs) / 1000) * this.bytesPerSecond);
    this.filledMs = nowMs;
    this.tokens -= bytes;
    return this.tokens >= 0 ? 0 : (-this.tokens / this.bytesPerSecond) * 1000;
  }

  /** Resolves when `bytes` may be sent; rejects if aborted meanwhile. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const waitMs = this.reserve(bytes);
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
  }
}
