// The HTTP server of the page, with limits that keep it cheap under attack: connections, headers, bodies, time.
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { getRequestListener } from "@hono/node-server";
import { Failure } from "../failure/failure.ts";
import { quoted } from "../failure/quote.ts";
import { hurry } from "./body.ts";
import { wellFormed } from "./head.ts";
import { isLoopback, parseHost } from "./host.ts";
import { routes } from "./routes.ts";
import type { Served } from "./served.ts";

const LIMITS = {
  /**
   * Maximum time for a request's headers; slower clients are cut off (slowloris). Longer than a silence may be: a connection that
   * a browser opens ahead is closed without an answer, which the browser would take for that to its first request.
   */
  headersTimeout: 20_000,
  /** Maximum time for a picture, the only large body; everything else has ten seconds, see body.ts. */
  requestTimeout: 300_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
  /** `wellFormed` checks it instead, and answers with JSON. */
  requireHostHeader: false,
} as const;
const MOST_CONNECTIONS = 128;
const MOST_HEADERS = 64;
/** Maximum silence on a connection; the event stream sends something more often. */
const SILENCE_MS = 15_000;

/** Hosts that mean all of the machine's addresses. */
const ANY_ADDRESS = new Set(["0.0.0.0", "::"]);

/** Serves until closed. Throws a Failure `web.unavailable` if the address cannot be used. */
export async function listen(served: Served, port: number): Promise<{ server: Server; address: string }> {
  const server = boundedServer(getRequestListener(routes(served).fetch));
  const address = await listenAt(server, served.host, port);
  // An error of a single connection must not take the page down.
  server.on("error", (error) => served.complain(`HTTP server error: ${error.message}`));
  const doubt = addressWarning(process.env);
  if (doubt !== undefined) served.complain(doubt);
  return { server, address };
}

/** Creates a server that passes to `listener` the requests that are well-formed, fast enough and not too large. */
export function boundedServer(listener: RequestListener): Server {
  const server = createServer(LIMITS, wellFormed(listener));
  server.maxConnections = MOST_CONNECTIONS;
  server.maxHeadersCount = MOST_HEADERS;
  server.setTimeout(SILENCE_MS, (socket) => socket.destroy());
  server.on("request", (incoming: IncomingMessage) => hurry(incoming));
  server.on("clientError", (_error, socket) => {
    if (!socket.writable) return;
    const body = JSON.stringify({ error: "this is not a valid HTTP request" });
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    // A client that does not read the answer must not keep the connection open.
    setTimeout(() => socket.destroy(), 1000).unref();
  });
  return server;
}

/**
 * Binds a server to an address, and returns the address for display. Throws a Failure `web.unavailable` if it cannot be used.
 */
export async function listenAt(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => reject(unavailable(host, port, error));
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
  return addressFor(host, (server.address() as AddressInfo).port, process.env);
}

/**
 * Returns the address at which users find the page. PHOREST_WEB_ADDRESS (`127.0.0.1:8080`) overrides it if this process cannot
 * know it: the page of a container is reached at the address and port that the host forwards.
 */
export function addressFor(host: string, port: number, env: NodeJS.ProcessEnv): string {
  const given = parseHost(env.PHOREST_WEB_ADDRESS ?? "");
  const shown = ANY_ADDRESS.has(host) ? (given?.name ?? hostname()) : host;
  const shownPort = ANY_ADDRESS.has(host) ? (given?.port ?? port) : port;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${shownPort}/`;
}

/** Returns what is wrong with PHOREST_WEB_ADDRESS, which is then ignored. */
export function addressWarning(env: NodeJS.ProcessEnv): string | undefined {
  const given = env.PHOREST_WEB_ADDRESS ?? "";
  if (given === "" || parseHost(given) !== undefined) return undefined;
  return `PHOREST_WEB_ADDRESS = ${quoted(given)} is ignored: it must be a host and a port, such as 127.0.0.1:8080`;
}

/** Ends the server immediately; open pages reconnect when there is a server again. */
export async function end(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}

function unavailable(host: string, port: number, error: NodeJS.ErrnoException): Failure {
  if (error.code === "EADDRINUSE") {
    return new Failure("web.unavailable", `port ${port} is in use by another program`, {
      hint: "set another Web.port, or 0 for any free one",
      cause: error,
    });
  }
  if (error.code === "EACCES") {
    return new Failure("web.unavailable", `no permission to use port ${port}`, {
      hint: "ports below 1024 are reserved for the system; set [Web] port to 1024 or higher",
      cause: error,
    });
  }
  const what = isLoopback(host) ? "" : ": is it one of this machine's addresses?";
  return new Failure("web.unavailable", `cannot listen on ${host}:${port} (${error.code})${what}`, {
    hint: "check Web.host",
    cause: error,
  });
}
