// Talking to the server: requests with the token, and the stream of states. The stream is read by fetch, because an
// EventSource cannot send the token in a header, and an address with a token in it ends up in histories and logs.
import type { StateView } from "../views.ts";

const KEPT = "phorest-token";

/** The token of the link that was opened, or of an earlier one. It leaves the address at once. */
export function takeToken(): void {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (given === undefined) return;
  localStorage.setItem(KEPT, given);
  history.replaceState(undefined, "", `${location.pathname}#now`);
}

export function setToken(token: string): void {
  if (token === "") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, token);
}

export function hasToken(): boolean {
  return localStorage.getItem(KEPT) !== null;
}

function headers(): Record<string, string> {
  const token = localStorage.getItem(KEPT);
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

/** What the server answered instead of what was asked. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Whether the server could not answer at the moment, so that asking again can help. */
export function isForNow(error: unknown): boolean {
  return error instanceof Refused && error.status === 503;
}

/** What to tell a person of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function answered(response: Response): Promise<Response> {
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const said = typeof body === "object" && body !== null && "error" in body ? String(body.error) : response.statusText;
  throw new Refused(response.status, said);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await answered(await fetch(path, { headers: headers(), signal: signal ?? null }))).json() as Promise<T>;
}

export async function getBlob(path: string): Promise<Blob> {
  return (await answered(await fetch(path, { headers: headers() }))).blob();
}

/** Asks for something to be done. `body` is JSON, or a file's own bytes. */
export async function ask<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const file = body instanceof Blob;
  const type = file ? "application/octet-stream" : "application/json";
  const response = await fetch(path, {
    method,
    headers: { ...headers(), ...(body === undefined ? {} : { "Content-Type": type }) },
    body: body === undefined ? null : file ? body : JSON.stringify(body),
  });
  return (await answered(response)).json() as Promise<T>;
}

/** The same where the answer says nothing. */
export async function change(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<void> {
  await ask(method, path, body);
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** Hands on every state until `signal`; connects again by itself. `lost` gets the reason, undefined once all is well. */
export async function follow(
  take: (state: StateView) => void,
  lost: (reason: Error | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const { body } = await answered(await fetch("/api/live", { headers: headers(), signal }));
      if (body === null) throw new Error("the server sent nothing");
      let rest = "";
      for (const reader = body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        const events = (rest + value).split("\n\n");
        rest = events.pop() ?? "";
        const last = events
          .at(-1)
          ?.split("\n")
          .find((line) => line.startsWith("data: "));
        if (last === undefined) continue;
        lost(undefined);
        waitMs = FIRST_RETRY_MS;
        take(JSON.parse(last.slice("data: ".length)) as StateView);
      }
      throw new Error("the connection ended");
    } catch (error) {
      if (signal.aborted) return;
      lost(error instanceof Error ? error : new Error(String(error)));
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS);
    }
  }
}
