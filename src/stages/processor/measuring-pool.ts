// The threads that measure: each takes one picture at a time, and one that hangs over a picture is left behind.
import { Piscina } from "piscina";
import type { TaskAnswer, TaskRequest } from "../../analysis/task.ts";
import { Failure } from "../../failure/failure.ts";
import { memoryLedger } from "../../image/memory.ts";
import type { StageLog } from "../../log/logger.ts";
import { withDeadline } from "../../system/deadline.ts";
import { THREAD_LIMITS } from "../../threads/thread-memory.ts";
import { workerFile } from "../../threads/worker-handle.ts";
import { measureApart } from "./measure-apart.ts";

/** A fixed number of threads, all started at the beginning. `null`, sent to the export `ready`, only asks whether a thread is there. */
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
    // As many at once as there are threads, so that each one gets one.
    await Promise.all(Array.from({ length: this.options.threads }, () => pool.run(null, { name: "ready" })));
  }

  /**
   * Has one picture measured: by a thread, or `apart`, in a process of its own. Rejects with a Failure (retry later) when
   * that takes longer than a frame may, or when the process ends.
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

  /** Only at rest: a native call in flight must not be torn down. */
  async close(): Promise<void> {
    await this.current?.destroy();
  }

  private get pool(): Piscina<TaskRequest | null, TaskAnswer> {
    this.current ??= measuringThreads(this.options.threads);
    return this.current;
  }

  /** Leaves a pool with a stuck thread behind: nothing may stand still for one picture. */
  private replace(stuck: Promise<TaskAnswer>): void {
    const { log } = this.options;
    log.error("a measuring thread hangs; replacing all measuring threads");
    stuck.catch((error: unknown) => log.debug(`the abandoned measurement ended: ${error}`));
    this.current = measuringThreads(this.options.threads);
  }
}
