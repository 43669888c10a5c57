// Sends a notice: by a program of the user's, or by a POST to an address. Both have a time limit; both throw a Failure (retry
// later) if the notice was not delivered.
import { spawn } from "node:child_process";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import type { Notice } from "./alarm-state.ts";

/** A notice with what the receiver needs to identify its source. */
export interface Message extends Notice {
  readonly experiment: string;
  readonly host: string;
}

const STDERR_KEPT = 500;

/** Returns one line: `ALARM lab-pi /data/exp7: collector faulted: ...` or `OVER ...`. */
function messageText({ event, host, experiment, text }: Message): string {
  return `${event === "alarm" ? "ALARM" : "OVER"} ${host} ${experiment}: ${text}`;
}

/**
 * Runs `command` (program, then arguments) without a shell; it gets JSON on its standard input, and the text as its last
 * argument. Exit code 0 means success. After the time limit, or if `signal` is aborted, the program is killed with all its
 * children.
 */
export async function runCommand(
  [program = "", ...args]: readonly string[],
  message: Message,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const failed = (why: string) =>
    new Failure("alarm.failed", `Alarm.command ${program}: ${why}`, { hint: "phorest retries", retry: "later" });
  await new Promise<void>((resolve, reject) => {
    // A separate process group, so that a shell script's children are killed with it.
    const child = spawn(program, [...args, messageText(message)], {
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
    });
    let output = "";
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch (error) {
        // ESRCH: it ended by itself at this moment.
        if (!hasCode(error, "ESRCH")) throw error;
      }
    };
    const stop = (why: string) => {
      end();
      // A grandchild that left the group may hold the pipe open: do not wait for it.
      child.stderr.destroy();
      finish(failed(why));
    };
    const timer = setTimeout(() => stop(`did not finish within ${timeoutMs / 1000} s`), timeoutMs);
    const onAbort = () => stop("interrupted");
    const finish = (failure?: Failure) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if (failure === undefined) resolve();
      else reject(failure);
    };
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    child.stderr.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-STDERR_KEPT);
    });
    child.on("error", (error) => finish(failed(error.message)));
    child.on("exit", (code, by) => {
      if (code === 0) return finish();
      const words = output.trim() === "" ? "" : `: ${output.trim()}`;
      finish(failed(`${by === null ? `exited with code ${code}` : `was killed by ${by}`}${words}`));
    });
    // A program need not read its input.
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${JSON.stringify(message)}\n`);
  });
}

/** Posts the message as JSON. Any 2xx status means success; redirects are not followed. */
export async function postWebhook(
  url: string,
  message: Message,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  // Only the host: a webhook's path is often secret.
  const where = `Alarm.webhook ${new URL(url).host}`;
  const failed = (why: string, cause?: unknown) =>
    new Failure("alarm.failed", `${where}: ${why}`, { hint: "phorest retries", retry: "later", cause });
  const limit = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...message, message: messageText(message) }),
      redirect: "error",
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    await response.body?.cancel();
  } catch (error) {
    if (limit.aborted) throw failed(`no answer within ${timeoutMs / 1000} s`, error);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw failed(cause instanceof Error ? cause.message : String(cause), error);
  }
  if (!response.ok) throw failed(`answered ${response.status} ${response.statusText}`.trimEnd());
}
