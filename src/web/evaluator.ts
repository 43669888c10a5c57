// The page's end of the thread that evaluates injections: one question at a time, each asked once, the last answers kept.
// The other end is src/web/evaluator-worker.ts.
import { Failure } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import { withDeadline } from "../system/deadline.ts";
import { RemoteWorker } from "../threads/remote-worker.ts";
import type { EvaluationJob, EvaluatorSettings } from "./evaluation-jobs.ts";

/** Shorter than the silence after which the server closes a connection. */
const ANSWER_MS = 10_000;
/** A week of frames of a large chip, on a slow and busy machine. */
const LONGEST_JOB_MS = 600_000;
/** Unused for so long, the thread gives its memory back. */
const IDLE_MS = 300_000;
const CLOSE_MS = 2_000;
const MOST_KEPT = 16;
/** More questions than this wait for nobody who still looks at the page. */
const MOST_WAITING = 8;

interface Asked {
  /** Of the data that it was asked about. */
  readonly stamp: string;
  readonly answer: Promise<string>;
  isRunning: boolean;
  /** Somebody was told to ask again: they get this answer even if there are newer data by then. */
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
   * The answer to a question about the data of `stamp`: two of the same stamp are the same data. Rejects with the question's own
   * Failure, or with `web.unavailable` (retry later) where it takes longer than a request may: a later request finds it done.
   */
  async ask(job: EvaluationJob, stamp: string): Promise<string> {
    const key = JSON.stringify(job);
    const known = this.#asked.get(key);
    const isGood = known !== undefined && (known.isRunning || known.isOwed || known.stamp === stamp);
    const asked = isGood ? known : this.#begin(key, job, stamp);
    // The last ones that were asked for are kept.
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
    // `answer` carries the error to whoever asked; the next question must be answered all the same.
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
