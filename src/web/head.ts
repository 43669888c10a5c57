// The form of a request's head, checked before anything else reads it: a head that could be read in two ways is refused.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { SECURITY_HEADERS } from "./auth.ts";
import { parseHost } from "./host.ts";

/** The server decides by these headers; with two of one name, programs differ in which one they read. */
const ONCE: ReadonlySet<string> = new Set(["host", "origin", "authorization", "content-type", "content-length"]);

/** Answers a request with a malformed head by 400 and the reason as JSON; passes all others on. */
export function wellFormed(next: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    const error = malformed(incoming);
    if (error !== undefined) {
      refuse(outgoing, error);
      return;
    }
    // As URLs have it: what builds the request's URL refuses other spellings of an address without a word.
    incoming.headers.host = new URL(`http://${incoming.headers.host}`).host;
    next(incoming, outgoing);
  };
}

/** What is wrong with the head; undefined for a good one. */
export function malformed({ url, rawHeaders, headers }: Pick<IncomingMessage, "url" | "rawHeaders" | "headers">) {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const twice = names.find((name, at) => ONCE.has(name) && names.indexOf(name) !== at);
  if (twice !== undefined) return `the header ${twice} is sent more than once`;
  const { host = "" } = headers;
  if (parseHost(host) === undefined || !URL.canParse(`http://${host}`)) {
    return "the Host header is not an address or a host name, such as 127.0.0.1:8080";
  }
  // A whole URL is for proxies; its host and the header's could differ.
  if (url?.startsWith("/") !== true) return "the path must start with /";
  return undefined;
}

function refuse(outgoing: ServerResponse, error: string): void {
  outgoing.writeHead(400, { ...SECURITY_HEADERS, "Content-Type": "application/json", Connection: "close" });
  outgoing.end(JSON.stringify({ error }));
}
