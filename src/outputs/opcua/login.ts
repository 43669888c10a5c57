// One log-in for each secret. Servers lock an account after a few wrong passwords, so a secret that the server refused is not
// sent again until it changes or a person asks for it (`phorest opcua check`). What is kept is a salted hash.
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

/** Answers to a log-in that are about the server's state or the connection, not about the secret. */
const NOT_THE_SECRET =
  /^Bad(TooMany\w*|ServerHalted|Shutdown|\w*Timeout|Session\w*|SecureChannel\w*|\w*Connection\w*|CommunicationError|NoCommunication|NotConnected|ServerNotConnected|OutOfMemory|ResourceUnavailable|InternalError|OperationAbandoned|Tcp\w*|MaxConnectionsReached|NonceInvalid|RequestTooLarge|ResponseTooLarge|Encoding\w*|Decoding\w*|ServiceUnsupported)$/;

/** The log-in over the connections of a client. */
export interface LogInWatch {
  /** Whether a secret was sent. */
  sent: boolean;
  /** Set once the client is logged in: called in place of another log-in, which is not sent. */
  again: (() => void) | undefined;
}

/**
 * Watches the log-ins of a client that is not connected yet. A session that the server ends is lost: the library would open
 * another by itself, with the same secret every second or so for as long as the server refuses it, and repeat what was in
 * flight.
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

/** Whether a server's answer to a log-in refuses the secret. `status`: the answer's name, undefined where there was none. */
export function refusesSecret({ kind }: Identity, status: string | undefined): status is string {
  if (kind === "anonymous" || status === undefined || NOT_THE_SECRET.test(status)) return false;
  // Next to a password it is our own certificate that is meant.
  return kind === "certificate" || !status.startsWith("BadCertificate");
}

/** Throws Failure `opcua.login` when the server refused this secret before. */
export function checkNotRefused(server: Server, identity: Identity): void {
  const known = readRefused(server);
  if (known === undefined || identity.kind === "anonymous") return;
  const hash = hashOf(server, identity, Buffer.from(known.salt, "hex"));
  const before = Buffer.from(known.hash, "hex");
  if (before.length === hash.length && timingSafeEqual(before, hash))
    throw logInFailure(server, identity, known.status);
}

/** Notes that the server refused the identity with this status. Returns the failure to throw. */
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
    // A disk that is full must not lock the account either: this process remembers.
    unwritten.set(refusedFile(server), text);
    if (!(error instanceof Error)) throw error;
  }
  return logInFailure(server, identity, status, cause);
}

/** Ends the record of a refusal: the server let the identity in. */
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

/** undefined where there is no record that can be read. */
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
