// Logs that another program has the manifest locked: once after a moment, again if it lasts long, and once when it ends.
import { type Failure, lineOf } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { counted } from "../system/counted.ts";
import type { LockEvents } from "./lock-wait.ts";

/** Shorter locks are not reported. */
const SAY_AFTER_MS = 1000;
const URGENT_AFTER_MS = 60_000;

export class LockNotice implements LockEvents {
  readonly #log: StageLog;
  readonly #meanwhile: string;
  #timers: NodeJS.Timeout[] = [];
  #reported = false;

  /** `meanwhile`: what happens to the work in the meantime; used as the end of the line. */
  constructor(log: StageLog, meanwhile: string) {
    this.#log = log;
    this.#meanwhile = meanwhile;
  }

  locked(failure: Failure): void {
    this.#reported = false;
    const line = `${lineOf(failure)}; ${this.#meanwhile}`;
    const say = (afterMs: number, level: "warn" | "error", text: string) =>
      setTimeout(() => {
        this.#reported = true;
        this.#log.log(level, text);
      }, afterMs).unref();
    this.#timers = [
      say(SAY_AFTER_MS, "warn", line),
      say(URGENT_AFTER_MS, "error", `still locked after ${URGENT_AFTER_MS / 1000} s: ${line}`),
    ];
  }

  freed(waited: number, forMs: number): void {
    for (const timer of this.#timers) clearTimeout(timer);
    const changes = counted(waited, "change");
    if (this.#reported)
      this.#log.info(`the database is free again after ${Math.round(forMs / 1000)} s; ${changes} waited`);
  }
}
