// Lets a command ask the active run of an experiment to change something, over the HTTP API of its page, because only the run
// writes the database.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { Holder } from "../manifest/lock.ts";
import { TOKEN_FILENAME } from "./token.ts";

const ANSWER_WITHIN_MS = 30_000;

export interface Request {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

/**
 * Sends a change to the active run; resolves when it is stored. Failure `usage.invalid` if the run has no page or refuses the
 * change; `experiment.locked` (try again) if it does not answer.
 */
export async function askRun({ page }: Holder, rootDir: string, request: Request): Promise<void> {
  if (page === undefined) {
    throw new Failure(
      "usage.invalid",
      "a run is active, and only its web page could make this change, but it serves none",
      {
        hint: "stop the run first, or start it with Web.enabled = true",
      },
    );
  }
  const response = await send(page, request, tokenOf(rootDir));
  if (response.ok) return;
  const refused: unknown = await response.json().catch(() => undefined);
  throw new Failure("usage.invalid", `the run refused the change: ${reasonIn(refused) ?? `status ${response.status}`}`);
}

async function send(page: string, { method, path, body }: Request, token: string): Promise<Response> {
  try {
    return await fetch(new URL(path, page), {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch (error) {
    throw new Failure("experiment.locked", `a run is active, but its web page at ${page} does not answer`, {
      hint: "see `phorest logs --stage web`, or stop the run first",
      retry: "later",
      cause: error,
    });
  }
}

function tokenOf(rootDir: string): string {
  const file = join(rootDir, TOKEN_FILENAME);
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Failure("usage.invalid", `a run is active, but its access token ${file} cannot be read`, {
      hint: "use the account that started the run, or stop it first",
      cause: error,
    });
  }
}

function reasonIn(answer: unknown): string | undefined {
  return typeof answer === "object" && answer !== null && "error" in answer && typeof answer.error === "string"
    ? answer.error
    : undefined;
}
