// The thread's side of a stage: the loop that all stage threads share. A stage provides open, run and close. Everything thrown is
// caught here, once, and sent as plain data.
import { parentPort } from "node:worker_threads";
import { encodeFailure } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import type { FromThread, ToThread } from "./messages.ts";
import { sendToParent } from "./parent-process.ts";

export interface JobHandler<Job, Answer> {
  /**
   * Does a job. `progress` tells the supervisor that the job is progressing; a job that is silent for too long counts as hanging.
   */
  run(job: Job, signal: AbortSignal, progress: () => void): Promise<Answer>;
  /** Closes everything. Idempotent; also called after a failed run. */
  close(): Promise<void>;
}

export type Log = (level: LogLevel, message: string) => void;

const PROGRESS_EVERY_MS = 250;

/** The supervisor's end of the connection, for a thread or a process. */
interface Port {
  post(message: unknown): void;
  hear(listener: (message: unknown) => void): void;
  close(): void;
}

function openPort(): Port {
  const port = parentPort;
  if (port !== null) {
    return {
      post: (message) => port.postMessage(message),
      hear: (listener) => port.on("message", listener),
      close: () => port.close(),
    };
  }
  if (process.send === undefined) throw new Error("this file runs as a worker of the supervisor");
  // Exit if the supervisor is gone.
  process.on("disconnect", () => process.exit());
  return {
    post: sendToParent,
    hear: (listener) => process.on("message", listener),
    close: () => process.disconnect(),
  };
}

/** Serves jobs from the parent thread until it asks to close. If `open` fails, the next job retries it, for a camera connected later. */
export function serve<Settings, Job, Answer>(
  open: (settings: Settings, log: Log) => Promise<JobHandler<Job, Answer>>,
): void {
  const port = openPort();
  const post = (message: FromThread<Answer>) => port.post(message);
  let saidMs = 0;
  const progress = () => {
    const nowMs = performance.now();
    if (nowMs - saidMs < PROGRESS_EVERY_MS) return;
    saidMs = nowMs;
    post({ type: "progress" });
  };
  const log: Log = (level, message) => post({ type: "log", level, message });
  let settings: Settings | undefined;
  let handler: JobHandler<Job, Answer> | undefined;
  let job: { id: number; abort: AbortController } | undefined;

  const openHandler = (): Promise<JobHandler<Job, Answer>> => {
    if (settings === undefined) throw new Error("a job came before the settings");
    return open(settings, log);
  };

  const work = async (message: { id: number; job: Job }): Promise<void> => {
    const abort = new AbortController();
    job = { id: message.id, abort };
    try {
      handler ??= await openHandler();
      post({ type: "settled", id: message.id, answer: await handler.run(message.job, abort.signal, progress) });
    } catch (thrown) {
      // After a failure, close the device and open it again for the next job: half-open devices tend to hang.
      const broken = handler;
      handler = undefined;
      await broken?.close().catch((error: unknown) => log("warn", `could not close after a failure: ${error}`));
      post({ type: "failed", id: message.id, failure: encodeFailure(thrown) });
    } finally {
      job = undefined;
    }
  };

  const shut = async (): Promise<void> => {
    job?.abort.abort();
    await handler?.close().catch((error: unknown) => log("warn", `could not close: ${error}`));
    post({ type: "closed" });
    port.close();
  };

  port.hear((received) => {
    const message = received as ToThread<Settings, Job>;
    switch (message.type) {
      case "open":
        settings = message.settings;
        return;
      case "job":
        void work(message);
        return;
      case "cancel":
        if (job?.id === message.id) job.abort.abort();
        return;
      case "close":
        void shut();
        return;
      default:
        message satisfies never;
    }
  });
}
