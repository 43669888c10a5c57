// Requests to the server, with the token, and the stream of states. The stream is read with fetch because an EventSource
// cannot send the token in a header, and a token in an address would end up in histories and logs.
import type { StateView } from "../views.ts";
import { sentence } from "./format.ts";

const KEPT = "phorest-token";

/** Stores the token of the opened link and removes it from the address. */
export function takeToken(): void {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (given === undefined) return;
  localStorage.setItem(KEPT, given);
  history.replaceState(undefined, "", `${location.pathname}${location.search}#now`);
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

/** The server refused a request. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Whether the server is temporarily unable to answer, so that a retry can help. */
export function isForNow(error: unknown): boolean {
  return error instanceof Refused && error.status === 503;
}

/** Returns the message of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function answered(response: Response): Promise<Response> {
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const message =
    typeof body === "object" && body !== null && "error" in body ? String(body.error) : response.statusText;
  throw new Refused(response.status, sentence(message));
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await answered(await fetch(path, { headers: headers(), signal: signal ?? null }))).json() as Promise<T>;
}

export async function getBlob(path: string): Promise<Blob> {
  return (await answered(await fetch(path, { headers: headers() }))).blob();
}

/** Sends a change. `body` is sent as JSON, or unchanged if it is a file. */
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

/** Does the same for requests whose answer has no content. */
export async function change(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<void> {
  await ask(method, path, body);
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** Passes every state to `take` until `signal`; reconnects after a loss. `lost` gets the reason, or undefined once connected. */
export async function follow(
  take: (state: StateView) => void,
  lost: (reason: Error | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const { body } = await answered(await fetch("/api/live", { headers: headers(), signal }));
      if (body === null) throw new Error("the server sent an empty answer");
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
      throw new Error("the server closed the connection");
    } catch (error) {
      if (signal.aborted) return;
      lost(error instanceof Error ? error : new Error(String(error)));
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS);
    }
  }
}
