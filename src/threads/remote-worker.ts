// The supervisor's side of a stage's worker thread: starts it on first use, gives it one job at a time, and starts a new one
// after a crash. The other side is src/threads/host-loop.ts.

import { decodeFailure, Failure, failureLine } from "../failure/failure.ts";
import type { FailureCode } from "../failure/failure-data.ts";
import type { LogLevel } from "../log/levels.ts";
import { LONGEST_TIMER_MS, withDeadline } from "../system/deadline.ts";
import type { FromThread, ToThread } from "./messages.ts";
import { openProcess, openThread, type WorkerHandle } from "./worker-handle.ts";

interface Pending<Answer> {
  readonly id: number;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class RemoteWorker<Settings extends object, Job, Answer> {
  private readonly name: string;
  private readonly settings: Settings;
  private readonly log: (level: LogLevel, message: string) => void;
  private readonly openWorker: typeof openThread;
  private worker: WorkerHandle | undefined;
  /** A worker that did not respond and was given up; a process in a hanging system call may survive a kill. */
  private abandoned: WorkerHandle | undefined;
  private pending: Pending<Answer> | undefined;
  private lastId = 0;
  private closed: (() => void) | undefined;
  private heard: (() => void) | undefined;

  /** `apart`: the worker runs in a separate process, for work that can hang in the operating system. */
  constructor(
    name: string,
    settings: Settings,
    log: (level: LogLevel, message: string) => void,
    { apart = false }: { readonly apart?: boolean } = {},
  ) {
    this.openWorker = apart ? openProcess : openThread;
    this.name = name;
    this.settings = settings;
    this.log = log;
  }

  /**
   * Gives the thread one job. Rejects with a Failure (retry later) if the thread crashes, or gives neither an answer nor a sign
   * of progress for `timeoutMs`; a silent thread is replaced, because it would never recover. A thread that continues for
   * `graceMs` after it was told to cancel is replaced too.
   */
  async run(job: Job, timeoutMs: number, signal?: AbortSignal, graceMs = timeoutMs): Promise<Answer> {
    if (this.pending !== undefined) throw new Error(`the ${this.name} thread is already busy`);
    const worker = this.worker ?? this.begin();
    this.lastId += 1;
    const id = this.lastId;
    const post = (message: ToThread<Settings, Job>) => worker.post(message);
    let timer: NodeJS.Timeout | undefined;
    const within = (limitMs: number): void => {
      clearTimeout(timer);
      const giveUp = () => this.replace(`did not respond within ${(limitMs / 1000).toFixed(0)} s`);
      timer = setTimeout(giveUp, Math.min(limitMs, LONGEST_TIMER_MS));
    };
    const cancel = () => {
      this.heard = undefined;
      post({ type: "cancel", id });
      if (graceMs < timeoutMs) within(graceMs);
    };
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.pending = { id, resolve, reject };
        within(timeoutMs);
        this.heard = () => within(timeoutMs);
        signal?.addEventListener("abort", cancel, { once: true });
        post({ type: "job", id, job });
        if (signal?.aborted === true) cancel();
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      this.pending = undefined;
      this.heard = undefined;
    }
  }

  /** Lets the thread close what it has open, then ends it; gives up after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const worker = this.worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.closed = resolve;
    });
    worker.post({ type: "close" } satisfies ToThread<Settings, Job>);
    const late = () => new Failure("internal", `the ${this.name} thread did not close in time and is stopped`);
    await withDeadline(ended, timeoutMs, late).catch((error: unknown) => this.log("warn", failureLine(error)));
    // Reject the waiting job, because its timer would keep the process alive.
    this.lost(worker, "was closed");
    await worker.end();
  }

  private begin(): WorkerHandle {
    if (this.abandoned?.alive === true) {
      throw new Failure("thread.hanging", `the ${this.name} still hangs in a system call and cannot be stopped`, {
        hint: "phorest starts a new one when the call returns",
        retry: "later",
      });
    }
    const worker = this.openWorker(this.name, {
      message: (message) => this.hear(message as FromThread<Answer>),
      lost: (how) => this.lost(worker, how),
    });
    this.worker = worker;
    worker.post({ type: "open", settings: this.settings } satisfies ToThread<Settings, Job>);
    return worker;
  }

  private hear(message: FromThread<Answer>): void {
    switch (message.type) {
      case "closed":
        this.closed?.();
        return;
      case "progress":
        this.heard?.();
        return;
      case "log":
        this.log(message.level, message.message);
        return;
      case "settled":
        if (this.pending?.id === message.id) this.pending.resolve(message.answer);
        return;
      case "failed":
        if (this.pending?.id === message.id) this.pending.reject(decodeFailure(message.failure));
        return;
      default:
        message satisfies never;
    }
  }

  private lost(worker: WorkerHandle, how: string, code: FailureCode = "internal"): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    this.closed?.();
    this.pending?.reject(
      new Failure(code, `the ${this.name} thread ${how}`, { hint: "phorest restarts it", retry: "later" }),
    );
  }

  private replace(how: string): void {
    const worker = this.worker;
    if (worker === undefined) return;
    this.abandoned = worker;
    this.lost(worker, how, "thread.hanging");
    worker
      .end()
      .catch((error: unknown) => this.log("warn", `could not stop the thread that does not respond: ${error}`));
  }
}
