// What comes with a request: how long it may take to come, and JSON of it.
import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { BadRequest } from "./queries.ts";

/** Longest time for a small body; a client that needs longer is cut off (slow bodies). */
const BODY_MS = 10_000;

const hurried = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Closes the connection of a request that has not come to its end in time, unless `leaveTime` is called. */
export function hurry(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  const timer = setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroy();
  }, BODY_MS);
  timer.unref();
  hurried.set(incoming, timer);
  incoming.once("close", () => clearTimeout(timer));
}

/** For a request that was found to be allowed to send much. */
export function leaveTime(incoming: IncomingMessage): void {
  clearTimeout(hurried.get(incoming));
}

/** The body as JSON, `{}` for an empty one; throws BadRequest when it is not JSON. */
export async function bodyOf(context: Context): Promise<unknown> {
  const text = await context.req.text();
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadRequest("the request body is not valid JSON");
    throw error;
  }
}
