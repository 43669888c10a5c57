// The server's interface to the process that decodes pictures. A picture may need too much memory, or decoding may never end.
// Then the process crashes or is ended, the waiting requests are answered with the reason, and the next request starts a new
// process. src/web/pictures-worker.ts is the other side.
import { decodeFailure, Failure } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import { openProcess, type WorkerHandle } from "../threads/worker-handle.ts";
import type { CalibratorSettings } from "./messages.ts";
import type { FromPictures, PictureAnswers, PictureJob, ToPictures } from "./picture-jobs.ts";

/** Decoding the largest supported picture takes seconds; a minute on a slow and busy machine. */
const LONGEST_JOB_MS = 60_000;
/** After this time without use, the process is ended to free its memory. */
const IDLE_MS = 300_000;
/** After this many consecutive crashes without an answer, no new process is started for a while. */
const MOST_CRASHES = 2;
const REST_MS = 60_000;

interface Waiting {
  readonly what: string;
  readonly timer: NodeJS.Timeout;
  resolve(answer: PictureAnswers[keyof PictureAnswers]): void;
  reject(error: Failure): void;
}

export interface PictureProcessOptions {
  /** Settings for a process that also finds chips and keeps the result. It is never ended for being idle. */
  readonly calibrator?: CalibratorSettings;
  readonly restMs?: number;
}

export class PictureProcess {
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #options: PictureProcessOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: WorkerHandle | undefined;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;
  #crashes = 0;
  #restUntilMs = 0;
  #lastCrash = "";

  constructor(log: (level: LogLevel, message: string) => void, options: PictureProcessOptions = {}) {
    this.#log = log;
    this.#options = options;
  }

  /**
   * Returns the answer to a job about a picture called `what`. Rejects with a Failure: the job's own, or `web.unavailable`
   * (retry later) if the process crashes, does not answer within `limitMs`, or has crashed too often to be restarted.
   */
  async ask<J extends PictureJob>(what: string, job: J, limitMs = LONGEST_JOB_MS): Promise<PictureAnswers[J["type"]]> {
    if (this.#crashes >= MOST_CRASHES && performance.now() < this.#restUntilMs)
      throw lostFailure(what, this.#lastCrash);
    const worker = this.#worker ?? this.#begin();
    clearTimeout(this.#idle);
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<PictureAnswers[keyof PictureAnswers]>((resolve, reject) => {
      const late = () => this.#end(worker, `did not respond within ${(limitMs / 1000).toFixed(0)} s and was stopped`);
      this.#waiting.set(id, { what, timer: setTimeout(late, limitMs), resolve, reject });
    });
    worker.post({ type: "job", id, job } satisfies ToPictures);
    return (await answer) as PictureAnswers[J["type"]];
  }

  /** Ends the process; waiting jobs are rejected. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    this.#refuseAll("was closed");
    await worker.end();
  }

  #begin(): WorkerHandle {
    const worker = openProcess("pictures", {
      message: (message) => this.#hear(message as FromPictures),
      lost: (how) => this.#lost(worker, how),
    });
    this.#worker = worker;
    worker.post({ type: "open", calibrator: this.#options.calibrator } satisfies ToPictures);
    return worker;
  }

  #hear(message: FromPictures): void {
    switch (message.type) {
      case "log":
        this.#log(message.level, message.message);
        return;
      case "done":
        this.#settle(message.id, (waiting) => waiting.resolve(message.answer));
        return;
      case "failed":
        this.#settle(message.id, (waiting) => waiting.reject(decodeFailure(message.failure)));
        return;
      default:
        message satisfies never;
    }
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    this.#crashes = 0;
    how(waiting);
    if (this.#waiting.size > 0 || this.#options.calibrator !== undefined) return;
    this.#idle = setTimeout(() => void this.close(), IDLE_MS);
    this.#idle.unref();
  }

  #end(worker: WorkerHandle, how: string): void {
    this.#lost(worker, how);
    worker.end().catch((error: unknown) => this.#log("warn", `could not stop the image decoder: ${error}`));
  }

  #lost(worker: WorkerHandle, how: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (this.#waiting.size === 0) return;
    this.#crashes += 1;
    this.#lastCrash = how;
    this.#restUntilMs = performance.now() + (this.#options.restMs ?? REST_MS);
    const pictures = [...new Set([...this.#waiting.values()].map(({ what }) => what))].join(", ");
    this.#log("warn", `the image decoder of the web page ${how} while working on ${pictures}; the run is not affected`);
    this.#refuseAll(how);
  }

  #refuseAll(how: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { what, timer, reject } of all) {
      clearTimeout(timer);
      reject(lostFailure(what, how));
    }
  }
}

function lostFailure(what: string, how: string): Failure {
  return new Failure("web.unavailable", `cannot show ${what}: the image decoder ${how}`, {
    hint: "the image may need more memory than is free; try again in a minute; the run is not affected",
    retry: "later",
  });
}
