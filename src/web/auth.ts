// Decides who may do what, before the route is looked up. Reading needs no token on the machine itself, but needs one at any
// other address; changes always need the token. There are no cookies, so no other site can borrow a login.
import type { MiddlewareHandler } from "hono";
import { type Host, isLoopback, parseHost } from "./host.ts";
import { mediaType } from "./media-type.ts";
import { changesSomething, IMAGE_FILE, IMAGE_TYPES, JSON_TYPE, type Route } from "./route.ts";
import { ROUTES } from "./route-table.ts";
import { isToken } from "./token.ts";

/**
 * Sent with every response, including errors. Nothing is loaded from other sites, no inline script runs, and no site may frame
 * the page.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
};

/** Paths that accept an image file; every other change is JSON. */
export const TAKES_IMAGE: ReadonlySet<string> = new Set(
  Object.values<Route>(ROUTES).flatMap(({ path, body }) => (body === IMAGE_FILE ? [path] : [])),
);

const HTTP_PORT = 80;

export interface Refusal {
  readonly status: 400 | 401 | 403 | 415;
  readonly error: string;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  header(name: string): string | undefined;
}

/** Returns why a request is refused; undefined if it is allowed. */
export function refusal(asked: Asked, host: string, token: string): Refusal | undefined {
  const local = isLoopback(host);
  const named = parseHost(asked.header("host") ?? "");
  if (named === undefined) return { status: 400, error: "the Host header is not an address or a host name" };
  // A site whose name was pointed at this machine (DNS rebinding) appears under that name. At other addresses the token is
  // required anyway, which such a site cannot have.
  if (local && !isLoopback(named.name)) {
    return { status: 403, error: "this page only answers under this computer's own address, such as 127.0.0.1" };
  }
  const given = bearer(asked.header("authorization"));
  const known = given !== undefined && isToken(given, token);
  if (given !== undefined && !known) return { status: 401, error: "the token does not belong to this experiment" };
  if (!changesSomething(asked.method)) {
    // Metrics describe the experiment, so on another address they need the token like all of /api.
    const open = local || !(asked.path.startsWith("/api/") || asked.path === ROUTES.metrics.path);
    return open || known ? undefined : { status: 401, error: "access from another computer needs the token" };
  }
  const origin = asked.header("origin");
  if (origin !== undefined && !sameOrigin(origin, named)) {
    return { status: 403, error: "changes are accepted from this page only, not from another website" };
  }
  if (!known) return { status: 401, error: "to make changes, open the link printed by phorest run" };
  if (asked.method === "DELETE") return undefined;
  const type = mediaType(asked.header("content-type") ?? "") ?? "";
  if (TAKES_IMAGE.has(asked.path)) {
    return isImageType(type) ? undefined : { status: 415, error: "send an image (Content-Type: image/png)" };
  }
  if (type === JSON_TYPE) return undefined;
  return { status: 415, error: "send JSON (Content-Type: application/json)" };
}

/** Returns the same check as the server's first middleware. */
export function guard(host: string, token: string): MiddlewareHandler {
  return async (context, next) => {
    const { method, path } = context.req;
    const refused = refusal({ method, path, header: (name) => context.req.header(name) }, host, token);
    if (refused !== undefined) return context.json({ error: refused.error }, refused.status);
    await next();
    return undefined;
  };
}

function isImageType(type: string): boolean {
  return IMAGE_TYPES.some((one) => (one.endsWith("/*") ? type.startsWith(one.slice(0, -1)) : type === one));
}

function bearer(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+)$/i.exec(header)?.[1] ?? "");
}

/** Whether an Origin header names the page that the request was sent to. */
function sameOrigin(origin: string, named: Host): boolean {
  const scheme = "http://";
  const from = origin.toLowerCase().startsWith(scheme) ? parseHost(origin.slice(scheme.length)) : undefined;
  return from !== undefined && from.name === named.name && (from.port ?? HTTP_PORT) === (named.port ?? HTTP_PORT);
}
