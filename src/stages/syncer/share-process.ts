// Gives the syncer's process one job at a time. If the process hangs, it is waiting for the share, so the share is reported.
import { Failure } from "../../failure/failure.ts";
import type { RemoteWorker } from "../../threads/remote-worker.ts";
import type { AnswerTo, SyncerAnswer, SyncerJob, SyncerSettings } from "./messages.ts";

/** How long a cancelled copy may take to end. */
const GRACE_MS = 2000;

export class ShareProcess {
  readonly #worker: RemoteWorker<SyncerSettings, SyncerJob, SyncerAnswer>;
  readonly #root: string;
  readonly #timeoutMs: number;

  /**
   * @param root directory of the share, for messages.
   * @param timeoutMs time without an answer after which the share counts as not responding.
   */
  constructor(worker: RemoteWorker<SyncerSettings, SyncerJob, SyncerAnswer>, root: string, timeoutMs: number) {
    this.#worker = worker;
    this.#root = root;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Returns the answer to a job that is not about one file. Throws Failure `remote.unavailable` if the share does not respond.
   */
  async ask<T extends SyncerJob["type"]>(
    job: Extract<SyncerJob, { type: T }>,
    signal: AbortSignal,
  ): Promise<Extract<SyncerAnswer, { type: T }>> {
    const answer: SyncerAnswer = await this.askOf(job, signal);
    if (answer.type === "problem") throw new Error(`asked the syncer to ${job.type}: ${answer.reason}`);
    return answer as Extract<SyncerAnswer, { type: T }>;
  }

  /** Returns the answer to a job, or the problem of the file it is about. */
  async askOf<T extends SyncerJob["type"]>(
    job: Extract<SyncerJob, { type: T }>,
    signal: AbortSignal,
    timeoutMs = this.#timeoutMs,
  ): Promise<AnswerTo<T>> {
    const answer = await this.#worker.run(job, timeoutMs, signal, GRACE_MS).catch((error: unknown) => {
      throw this.#silent(error, timeoutMs);
    });
    if (answer.type !== job.type && answer.type !== "problem")
      throw new Error(`asked the syncer to ${job.type}, it answered ${answer.type}`);
    return answer as AnswerTo<T>;
  }

  /** Converts the error of a hanging process, which is waiting for the share: reports the share, not the process. */
  #silent(error: unknown, timeoutMs: number): unknown {
    if (!(error instanceof Failure) || error.code !== "thread.hanging") return error;
    const root = this.#root;
    const words = `the share ${root} has not responded for ${Math.round(timeoutMs / 1000)} s`;
    return new Failure("remote.unavailable", `${words}: check the network and the server; phorest retries`, {
      retry: "later",
      cause: error,
    });
  }

  /** Ends the process. */
  close(timeoutMs: number): Promise<void> {
    return this.#worker.close(Math.min(timeoutMs, GRACE_MS));
  }
}
