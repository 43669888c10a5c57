// A bound on bytes per second, shared by everything that copies at the same time.
import { setTimeout as sleep } from "node:timers/promises";

/** A token bucket that holds up to one second's worth. Times are monotonic. */
export class RateLimit {
  private readonly bytesPerSecond: number;
  private readonly now: () => number;
  private tokens: number;
  private filledMs: number;

  /** @param bytesPerSecond 0 for no bound. */
  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    this.bytesPerSecond = bytesPerSecond;
    this.now = now;
    this.tokens = bytesPerSecond;
    this.filledMs = now();
  }

  /** The largest piece worth asking for at once, so that a slow rate still moves evenly. */
  get pieceBytes(): number {
    return this.bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : Math.max(4096, Math.floor(this.bytesPerSecond / 4));
  }

  /** Takes `bytes` off at once and returns how long to wait for them, ms: later callers wait behind earlier ones. */
  reserve(bytes: number): number {
    if (this.bytesPerSecond === 0) return 0;
    const nowMs = this.now();
    this.tokens = Math.min(this.bytesPerSecond, this.tokens + ((nowMs - this.filledMs) / 1000) * this.bytesPerSecond);
    this.filledMs = nowMs;
    this.tokens -= bytes;
    return this.tokens >= 0 ? 0 : (-this.tokens / this.bytesPerSecond) * 1000;
  }

  /** Resolves when `bytes` may be sent; rejects when aborted meanwhile. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const waitMs = this.reserve(bytes);
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
  }
}
