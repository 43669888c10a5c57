// The threads that measure: each handles one image at a time, and one that hangs is abandoned.
import { Piscina } from "piscina";
import type { TaskAnswer, TaskRequest } from "../../analysis/task.ts";
import { Failure } from "../../failure/failure.ts";
import { memoryLedger } from "../../image/memory.ts";
import type { StageLog } from "../../log/logger.ts";
import { withDeadline } from "../../system/deadline.ts";
import { THREAD_LIMITS } from "../../threads/thread-memory.ts";
import { workerFile } from "../../threads/worker-handle.ts";
import { measureApart } from "./measure-apart.ts";

/**
 * Returns a fixed number of threads, all started at the beginning. `null`, sent to the export `ready`, only checks that a thread
 * is up.
 */
export function measuringThreads(threads: number): Piscina<TaskRequest | null, TaskAnswer> {
  const { url, execArgv } = workerFile("processor");
  return new Piscina({
    filename: url.href,
    execArgv,
    workerData: memoryLedger(),
    resourceLimits: THREAD_LIMITS,
    minThreads: threads,
    maxThreads: threads,
    maxQueue: 64,
    idleTimeout: Number.POSITIVE_INFINITY,
  });
}

export interface MeasuringPoolOptions {
  readonly threads: number;
  readonly frameTimeoutMs: number;
  readonly log: StageLog;
}

export class MeasuringPool {
  private readonly options: MeasuringPoolOptions;
  private current: Piscina<TaskRequest | null, TaskAnswer> | undefined;

  constructor(options: MeasuringPoolOptions) {
    this.options = options;
  }

  /** Starts the threads and waits until each can measure. */
  async prepare(): Promise<void> {
    const { pool } = this;
    // As many calls as threads at once, so that each thread gets one.
    await Promise.all(Array.from({ length: this.options.threads }, () => pool.run(null, { name: "ready" })));
  }

  /**
   * Measures one image: in a thread or, with `apart`, in a separate process. Rejects with a Failure (retry later) if that takes
   * longer than a frame may, or if the process ends.
   */
  async measure(request: TaskRequest, { apart = false }: { readonly apart?: boolean } = {}): Promise<TaskAnswer> {
    const { frameTimeoutMs } = this.options;
    const late = () =>
      new Failure("analysis.failed", `not measured within ${(frameTimeoutMs / 1000).toFixed(0)} s`, {
        hint: "increase Data_Analysis.frame_timeout_seconds if the computer is slow",
        retry: "later",
      });
    if (apart) return await measureApart(request, frameTimeoutMs, late);
    const running = this.pool.run(request);
    try {
      return await withDeadline(running, frameTimeoutMs, late);
    } catch (thrown) {
      if (thrown instanceof Failure) this.replace(running);
      throw thrown;
    }
  }

  /** Closes the pool. Only when idle: a native call in progress must not be interrupted. */
  async close(): Promise<void> {
    await this.current?.destroy();
  }

  private get pool(): Piscina<TaskRequest | null, TaskAnswer> {
    this.current ??= measuringThreads(this.options.threads);
    return this.current;
  }

  /** Abandons a pool with a stuck thread, so that one image does not hold up the others. */
  private replace(stuck: Promise<TaskAnswer>): void {
    const { log } = this.options;
    log.error("a measuring thread hangs; replacing all measuring threads");
    stuck.catch((error: unknown) => log.debug(`the abandoned measurement ended: ${error}`));
    this.current = measuringThreads(this.options.threads);
  }
}
