// A tile of a picture as the answer to a request.
import type { Context } from "hono";

/** `isPast`: of a picture that has been replaced. */
export function tileAnswer(
  context: Context,
  tile: Uint8Array | undefined,
  isPast: boolean,
  headers: Readonly<Record<string, string>> = {},
): Response {
  if (tile !== undefined) return context.body(Uint8Array.from(tile), 200, { "Content-Type": "image/jpeg", ...headers });
  // Another picture came while a page was still fetching this one: nothing is wrong, and nothing is left of it.
  return isPast ? context.body(null, 204) : context.json({ error: "no such tile" }, 404);
}
