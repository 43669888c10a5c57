// Answers a request for a tile of a picture.
import type { Context } from "hono";

/** `isPast`: the tile belongs to a picture that has been replaced. */
export function tileAnswer(
  context: Context,
  tile: Uint8Array | undefined,
  isPast: boolean,
  headers: Readonly<Record<string, string>> = {},
): Response {
  if (tile !== undefined) return context.body(Uint8Array.from(tile), 200, { "Content-Type": "image/jpeg", ...headers });
  // A newer picture arrived while a page was still fetching this one. This is not an error, but the tile no longer exists.
  return isPast ? context.body(null, 204) : context.json({ error: "no such tile" }, 404);
}
