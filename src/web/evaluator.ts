// The server's interface to the thread that evaluates injections: runs one question at a time, shares the answers of identical
// questions, and caches the last answers. src/web/evaluator-worker.ts is the other side.
import { Failure } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import { withDeadline } from "../system/deadline.ts";
import { RemoteWorker } from "../threads/remote-worker.ts";
import type { EvaluationJob, EvaluatorSettings } from "./evaluation-jobs.ts";

/** Shorter than the time after which the server closes a silent connection. */
const ANSWER_MS = 10_000;
/** Enough for a week of frames of a large chip, on a slow and busy machine. */
const LONGEST_JOB_MS = 600_000;
/** After this time without use, the thread is closed to free its memory. */
const IDLE_MS = 300_000;
const CLOSE_MS = 2_000;
const MOST_KEPT = 16;
/** Maximum number of waiting questions. The users who asked more would have left the page by then. */
const MOST_WAITING = 8;

interface Asked {
  /** Identifies the data that the question was about. */
  readonly stamp: string;
  readonly answer: Promise<string>;
  isRunning: boolean;
  /** A client was told to ask again: it gets this answer even if there is newer data by then. */
  isOwed: boolean;
}

export class Evaluator {
  readonly #worker: RemoteWorker<EvaluatorSettings, EvaluationJob, string>;
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #asked = new Map<string, Asked>();
  #queue: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(settings: EvaluatorSettings, log: (level: LogLevel, message: string) => void) {
    this.#log = log;
    this.#worker = new RemoteWorker("evaluator", settings, log);
  }

  /**
   * Returns the answer to a question about the data identified by `stamp`; the same stamp means the same data. Rejects with the
   * question's own Failure, or with `web.unavailable` (retry later) if it takes longer than a request may; a later request then
   * gets the finished answer.
   */
  async ask(job: EvaluationJob, stamp: string): Promise<string> {
    const key = JSON.stringify(job);
    const known = this.#asked.get(key);
    const isGood = known !== undefined && (known.isRunning || known.isOwed || known.stamp === stamp);
    const asked = isGood ? known : this.#begin(key, job, stamp);
    // Keeps the most recently asked questions.
    this.#asked.delete(key);
    this.#asked.set(key, asked);
    try {
      const answer = await withDeadline(asked.answer, ANSWER_MS, late);
      asked.isOwed = false;
      return answer;
    } catch (error) {
      if (asked.isRunning) asked.isOwed = true;
      else if (this.#asked.get(key) === asked) this.#asked.delete(key);
      throw error;
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker.close(CLOSE_MS);
  }

  #begin(key: string, job: EvaluationJob, stamp: string): Asked {
    const waiting = [...this.#asked.values()].filter(({ isRunning }) => isRunning).length;
    if (waiting >= MOST_WAITING) throw late();
    clearTimeout(this.#idle);
    const answer = this.#queue.then(() => this.#worker.run(job, LONGEST_JOB_MS));
    const asked: Asked = { stamp, answer, isRunning: true, isOwed: false };
    // `answer` reports the error to the caller; the queue must continue anyway.
    this.#queue = answer.then(
      () => this.#settled(asked),
      (error: unknown) => {
        this.#settled(asked);
        this.#log("debug", `${key}: ${error}`);
      },
    );
    return asked;
  }

  #settled(asked: Asked): void {
    asked.isRunning = false;
    const done = [...this.#asked].filter(([, { isRunning }]) => !isRunning);
    for (const [key] of done.slice(0, Math.max(0, this.#asked.size - MOST_KEPT))) this.#asked.delete(key);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if ([...this.#asked.values()].every(({ isRunning }) => !isRunning)) void this.#worker.close(CLOSE_MS);
    }, IDLE_MS);
    this.#idle.unref();
  }
}

function late(): Failure {
  return new Failure("web.unavailable", "the injections are still being evaluated", {
    hint: "the experiment is long or the computer is busy; try again in a few seconds",
    retry: "later",
  });
}
