// The supervisor's end of a stage's worker thread: starts it on first use, gives it one job at a time, and starts a
// new one after the old one died. The other end is workers/host.ts.
import { Worker } from "node:worker_threads";
import { LONGEST_TIMER_MS, withDeadline } from "../deadline.ts";
import { decodeFailure, Failure, failureLine } from "../failure.ts";
import type { LogLevel } from "../log.ts";
import type { FromThread, ToThread } from "./messages.ts";

/** The file of a worker, compiled or not, beside this program. */
export function workerFile(name: string): { url: URL; execArgv: string[] } {
  const compiled = import.meta.url.endsWith(".js");
  const url = new URL(`../../workers/${name}.${compiled ? "js" : "ts"}`, import.meta.url);
  return { url, execArgv: compiled ? [] : ["--import", import.meta.resolve("tsx")] };
}

/** What a thread starts with. A TypeScript file cannot be a thread's own first one: the loader has to be there before. */
function entryFile(url: URL): URL {
  if (url.pathname.endsWith(".js")) return url;
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const source = `import { register } from ${loader}; register(); await import(${JSON.stringify(url.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

interface Pending<Answer> {
  readonly id: number;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class StageThread<Settings, Job, Answer> {
  private readonly name: string;
  private readonly settings: Settings;
  private readonly log: (level: LogLevel, message: string) => void;
  private worker: Worker | undefined;
  private pending: Pending<Answer> | undefined;
  private lastId = 0;
  private closed: (() => void) | undefined;

  constructor(name: string, settings: Settings, log: (level: LogLevel, message: string) => void) {
    this.name = name;
    this.settings = settings;
    this.log = log;
  }

  /**
   * Gives the thread one job. Rejects with a Failure (retry later) when the thread dies or does not answer within
   * `timeoutMs`; a silent thread is replaced, for nothing else would ever bring it back.
   */
  async run(job: Job, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
    if (this.pending !== undefined) throw new Error(`the ${this.name} thread has a job in hand already`);
    const worker = this.worker ?? this.begin();
    this.lastId += 1;
    const id = this.lastId;
    const post = (message: ToThread<Settings, Job>) => worker.postMessage(message);
    const cancel = () => post({ type: "cancel", id });
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.pending = { id, resolve, reject };
        const giveUp = () => this.replace(`gave no answer within ${(timeoutMs / 1000).toFixed(0)} s`);
        timer = setTimeout(giveUp, Math.min(timeoutMs, LONGEST_TIMER_MS));
        signal?.addEventListener("abort", cancel, { once: true });
        post({ type: "job", id, job });
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      this.pending = undefined;
    }
  }

  /** Lets the thread close what it has open, then ends it; gives up after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const worker = this.worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.closed = resolve;
    });
    worker.postMessage({ type: "close" } satisfies ToThread<Settings, Job>);
    const late = () => new Failure("internal", `the ${this.name} thread did not close in time and is ended`);
    await withDeadline(ended, timeoutMs, late).catch((error: unknown) => this.log("warn", failureLine(error)));
    // Whoever still waits for a job is told; its own timer would keep the process alive.
    this.lost(worker, "was closed");
    await worker.terminate();
  }

  private begin(): Worker {
    const { url } = workerFile(this.name);
    const worker = new Worker(entryFile(url), { execArgv: [], name: this.name });
    this.worker = worker;
    worker.on("message", (message: FromThread<Answer>) => this.hear(message));
    worker.on("error", (error) => this.lost(worker, `died: ${error.message}`));
    worker.on("exit", (code) => this.lost(worker, `ended with code ${code}`));
    worker.postMessage({ type: "open", settings: this.settings } satisfies ToThread<Settings, Job>);
    return worker;
  }

  private hear(message: FromThread<Answer>): void {
    switch (message.type) {
      case "closed":
        this.closed?.();
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

  private lost(worker: Worker, how: string): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    this.closed?.();
    this.pending?.reject(
      new Failure("internal", `the ${this.name} thread ${how}`, { hint: "it is started anew", retry: "later" }),
    );
  }

  private replace(how: string): void {
    const worker = this.worker;
    if (worker === undefined) return;
    this.lost(worker, how);
    worker.terminate().catch((error: unknown) => this.log("warn", `could not end the silent thread: ${error}`));
  }
}
