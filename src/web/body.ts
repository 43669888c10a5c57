// Reads the body of a request: limits how long it may take, and parses JSON.
import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { BadRequest } from "./queries.ts";

/** Maximum time for a small body; slower clients are cut off (slow-body attacks). */
const BODY_MS = 10_000;

const hurried = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Closes the connection of a request that is not complete in time, unless `leaveTime` is called. */
export function hurry(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  const timer = setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroy();
  }, BODY_MS);
  timer.unref();
  hurried.set(incoming, timer);
  incoming.once("close", () => clearTimeout(timer));
}

/** Lifts the time limit of `hurry`, for a request that may send a large body. */
export function leaveTime(incoming: IncomingMessage): void {
  clearTimeout(hurried.get(incoming));
}

/** Returns the body as JSON, `{}` for an empty one; throws BadRequest if it is not JSON. */
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
