// Sends each secret to a server only once if it was refused. Servers lock an account after a few wrong passwords, so a refused
// secret is not sent again until it changes or the user asks for it (`phorest opcua check`). Only a salted hash is stored.
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { OPCUAClient } from "node-opcua-client";
import * as z from "zod";
import { hasCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import { writeDurably } from "../../system/files.ts";
import { serverFileName } from "./certificates.ts";
import type { Identity } from "./identity.ts";
import type { Library } from "./library.ts";
import { logInRemedy } from "./remedies.ts";

interface Server {
  readonly endpoint_url: string;
  readonly certificate_dir: string;
}

const REFUSED = z.object({ salt: z.string(), hash: z.string(), status: z.string() });
const HASH_BYTES = 32;
/** Records that could not be written, by their file. */
const unwritten = new Map<string, string>();

/** Answers to a log-in that concern the server's state or the connection, not the secret. */
const NOT_THE_SECRET =
  /^Bad(TooMany\w*|ServerHalted|Shutdown|\w*Timeout|Session\w*|SecureChannel\w*|\w*Connection\w*|CommunicationError|NoCommunication|NotConnected|ServerNotConnected|OutOfMemory|ResourceUnavailable|InternalError|OperationAbandoned|Tcp\w*|MaxConnectionsReached|NonceInvalid|RequestTooLarge|ResponseTooLarge|Encoding\w*|Decoding\w*|ServiceUnsupported)$/;

/** Watches the log-in over the connections of a client. */
export interface LogInWatch {
  /** Whether a secret was sent. */
  sent: boolean;
  /** Set after the client is logged in: called instead of a second log-in, which is not sent. */
  again: (() => void) | undefined;
}

/**
 * Watches the log-ins of a client that is not connected yet. When the server ends a session, the session must be given up: the
 * library would open another one by itself, with the same secret about every second for as long as the server refuses it, and
 * would repeat requests in progress.
 */
export function watchLogIns(library: Library, client: OPCUAClient): LogInWatch {
  const { ActivateSessionRequest, CreateSessionRequest } = library;
  const watch: LogInWatch = { sent: false, again: undefined };
  client.on("secure_channel_created", (channel) => {
    const send = channel.performMessageTransaction.bind(channel);
    channel.performMessageTransaction = (request, callback) => {
      const isLogIn = request instanceof ActivateSessionRequest;
      if (watch.again !== undefined && (isLogIn || request instanceof CreateSessionRequest)) {
        watch.again();
        return callback(new Error("BadSessionClosed: one log-in for each connection"));
      }
      if (isLogIn) watch.sent = true;
      send(request, callback);
    };
  });
  return watch;
}

/** Whether a server's answer to a log-in refuses the secret. `status`: the answer's name, undefined if there was none. */
export function refusesSecret({ kind }: Identity, status: string | undefined): status is string {
  if (kind === "anonymous" || status === undefined || NOT_THE_SECRET.test(status)) return false;
  // With a password, a certificate status concerns our own application certificate.
  return kind === "certificate" || !status.startsWith("BadCertificate");
}

/** Throws Failure `opcua.login` if the server refused this secret before. */
export function checkNotRefused(server: Server, identity: Identity): void {
  const known = readRefused(server);
  if (known === undefined || identity.kind === "anonymous") return;
  const hash = hashOf(server, identity, Buffer.from(known.salt, "hex"));
  const before = Buffer.from(known.hash, "hex");
  if (before.length === hash.length && timingSafeEqual(before, hash))
    throw logInFailure(server, identity, known.status);
}

/** Records that the server refused the identity with this status. Returns the failure to throw. */
export async function noteRefused(
  server: Server,
  identity: Exclude<Identity, { kind: "anonymous" }>,
  status: string,
  cause: unknown,
): Promise<Failure> {
  const salt = randomBytes(16);
  const hash = hashOf(server, identity, salt);
  mkdirSync(server.certificate_dir, { recursive: true, mode: 0o700 });
  const text = JSON.stringify({ salt: salt.toString("hex"), hash: hash.toString("hex"), status });
  try {
    await writeDurably(refusedFile(server), text);
    unwritten.delete(refusedFile(server));
  } catch (error) {
    // Even with a full disk the account must not be locked: this process remembers the refusal.
    unwritten.set(refusedFile(server), text);
    if (!(error instanceof Error)) throw error;
  }
  return logInFailure(server, identity, status, cause);
}

/** Deletes the record of a refusal: the server accepted the identity. */
export function forgetRefused(server: Server): void {
  unwritten.delete(refusedFile(server));
  rmSync(refusedFile(server), { force: true });
}

function logInFailure(server: Server, identity: Identity, status: string, cause?: unknown): Failure {
  const who = identity.kind === "user" ? identity.userName : "the user's certificate";
  return new Failure("opcua.login", `${server.endpoint_url} refused the log-in of ${who}: ${status}`, {
    hint: logInRemedy(identity.kind),
    retry: "later",
    cause,
  });
}

const refusedFile = ({ certificate_dir, endpoint_url }: Server): string =>
  join(certificate_dir, `refused-login_${serverFileName(endpoint_url)}.json`);

/** undefined if there is no readable record. */
function readRefused(server: Server): z.output<typeof REFUSED> | undefined {
  try {
    const text = unwritten.get(refusedFile(server)) ?? readFileSync(refusedFile(server), "utf8");
    return REFUSED.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function hashOf(server: Server, identity: Exclude<Identity, { kind: "anonymous" }>, salt: Buffer): Buffer {
  const secret =
    identity.kind === "user"
      ? [identity.userName, identity.password]
      : [identity.der.toString("base64"), identity.keyPem];
  return scryptSync(JSON.stringify([server.endpoint_url, ...secret]), salt, HASH_BYTES);
}
