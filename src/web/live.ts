// Server-sent events: pushes the state to every open page when it changes. The state is computed once, however many pages are
// open. A page that does not read is disconnected; it reconnects by itself and gets the current state, so nothing is queued for
// it.
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { isDoneWithin } from "../system/deadline.ts";
import type { StateView } from "./views.ts";

/** Maximum number of open pages. */
const MOST_CLIENTS = 32;
/** Maximum time between two states, so that ages and gauges are current, and dead connections are noticed. */
const LONGEST_SILENCE_MS = 2000;
/**
 * Minimum time between two states: frames may arrive faster than people can follow. It is short, because a frame is often
 * measured just after another event was sent.
 */
const SHORTEST_INTERVAL_MS = 25;
const SLOWEST_READER_MS = 10_000;

export class Live {
  readonly #read: () => StateView;
  readonly #wake = new Set<() => void>();
  readonly #longestSilenceMs: number;
  #closed = false;
  /** The last state sent, and its time; undefined if there is something new. */
  #made: { readonly text: string; readonly atMs: number } | undefined;

  constructor(read: () => StateView, { longestSilenceMs = LONGEST_SILENCE_MS } = {}) {
    this.#read = read;
    this.#longestSilenceMs = longestSilenceMs;
  }

  get clients(): number {
    return this.#wake.size;
  }

  /** Sends the state to all pages soon. Call it when something is new. */
  look(): void {
    this.#made = undefined;
    for (const wake of [...this.#wake]) wake();
  }

  close(): void {
    this.#closed = true;
    this.look();
  }

  /** Returns the state as JSON. Reuses the text that another page was sent for the same event, or at about the same time. */
  #state(): string {
    const nowMs = performance.now();
    if (this.#made === undefined || nowMs - this.#made.atMs > this.#longestSilenceMs / 2) {
      this.#made = { text: JSON.stringify(this.#read()), atMs: nowMs };
    }
    return this.#made.text;
  }

  /** Answers a request with the event stream; undefined if too many are open. */
  serve(context: Context<{ Bindings: HttpBindings }>): Response | undefined {
    if (this.#wake.size >= MOST_CLIENTS) return undefined;
    let pending = true;
    let endPause: () => void = () => undefined;
    const wake = () => {
      pending = true;
      endPause();
    };
    this.#wake.add(wake);
    const { incoming } = context.env;
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => wake());
      try {
        while (!this.#closed && !stream.aborted) {
          pending = false;
          const sent = stream.writeSSE({ event: "state", data: this.#state() });
          if (!(await isDoneWithin(sent, SLOWEST_READER_MS))) {
            incoming.socket.destroy();
            return;
          }
          await pause(SHORTEST_INTERVAL_MS);
          if (!pending) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, this.#longestSilenceMs);
              endPause = () => {
                clearTimeout(timer);
                resolve();
              };
            });
          }
        }
      } finally {
        this.#wake.delete(wake);
      }
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
