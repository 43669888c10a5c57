// Checks the headers of a request before anything else reads them. Headers that can be interpreted in two ways are refused.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { SECURITY_HEADERS } from "./auth.ts";
import { parseHost } from "./host.ts";

/** The server's decisions depend on these headers. If one occurs twice, programs differ in which one they use. */
const ONCE: ReadonlySet<string> = new Set(["host", "origin", "authorization", "content-type", "content-length"]);

/** Answers a request with malformed headers with 400 and the reason as JSON; passes all others on. */
export function wellFormed(next: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    const error = malformed(incoming);
    if (error !== undefined) {
      refuse(outgoing, error);
      return;
    }
    // Normalised like a URL, because the code that builds the request's URL silently refuses other spellings of an address.
    incoming.headers.host = new URL(`http://${incoming.headers.host}`).host;
    next(incoming, outgoing);
  };
}

/** Returns what is wrong with the headers; undefined if they are valid. */
export function malformed({ url, rawHeaders, headers }: Pick<IncomingMessage, "url" | "rawHeaders" | "headers">) {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const twice = names.find((name, at) => ONCE.has(name) && names.indexOf(name) !== at);
  if (twice !== undefined) return `the header ${twice} is sent more than once`;
  const { host = "" } = headers;
  if (parseHost(host) === undefined || !URL.canParse(`http://${host}`)) {
    return "the Host header is not an address or a host name, such as 127.0.0.1:8080";
  }
  // A complete URL is meant for proxies; its host could differ from the Host header.
  if (url?.startsWith("/") !== true) return "the path must start with /";
  return undefined;
}

function refuse(outgoing: ServerResponse, error: string): void {
  outgoing.writeHead(400, { ...SECURITY_HEADERS, "Content-Type": "application/json", Connection: "close" });
  outgoing.end(JSON.stringify({ error }));
}
