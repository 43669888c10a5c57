// Configures the client of the library for this program: one attempt, our own certificate, no automatic reconnection.
import type { EndpointDescription, OPCUAClient } from "node-opcua-client";
import { Failure } from "../../failure/failure.ts";
import { withDeadline } from "../../system/deadline.ts";
import { APPLICATION_NAME, type OwnCertificate } from "./certificates.ts";
import { whySilent } from "./hello.ts";
import { transportTo } from "./ipv6.ts";
import type { Library } from "./library.ts";
import { discoveryRemedyFor } from "./remedies.ts";
import { ServerErrors, serverErrorText } from "./server-error.ts";
import type { ServerSettings } from "./server-settings.ts";

const CLOSE_WITHIN_MS = 2000;
/**
 * A machine that lost its power does not close the connection, and a restarted one only says that it does not know us when it is
 * asked. So a quiet connection is checked this often.
 */
const KEEP_ALIVE_MS = 1000;
const LIBRARY_LATER_MS = 2000;

/** Creates a client for one connection. `trusted`: the server's certificate, for any mode except None. */
export async function createClient(
  library: Library,
  settings: ServerSettings,
  own: OwnCertificate,
  trusted: Buffer | undefined,
): Promise<OPCUAClient> {
  const transport = await transportTo(settings.endpoint_url, settings.connect_timeout_seconds * 1000);
  // The client disposes of a manager that nothing else references.
  own.manager.referenceCounter += 1;
  const client = library.OPCUAClient.create({
    applicationName: APPLICATION_NAME,
    applicationUri: own.applicationUri,
    clientName: `${APPLICATION_NAME} ${process.pid}`,
    securityMode: library.MessageSecurityMode[settings.security_mode],
    securityPolicy:
      settings.security_mode === "None"
        ? library.SecurityPolicy.None
        : library.SecurityPolicy[settings.security_policy],
    // The names in a server's endpoints often differ from those by which it is reached.
    endpointMustExist: false,
    serverCertificate: trusted,
    certificateFile: own.certificateFile,
    privateKeyFile: own.privateKeyFile,
    clientCertificateManager: own.manager,
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 200 },
    keepPendingSessionsOnDisconnect: false,
    keepSessionAlive: true,
    keepAliveInterval: KEEP_ALIVE_MS,
    requestedSessionTimeout: settings.session_timeout_seconds * 1000,
    defaultSecureTokenLifetime: settings.channel_lifetime_seconds * 1000,
    // Our own limit comes first, with a message for people.
    defaultTransactionTimeout: settings.request_timeout_seconds * 1000 + LIBRARY_LATER_MS,
    transportTimeout: settings.connect_timeout_seconds * 1000,
    ...transport,
  });
  if (settings.security_mode !== "SignAndEncrypt" && !settings.password_in_clear) {
    holdBackOpenPasswords(library, client, settings);
  }
  return client;
}

/**
 * Which log-in a server requires is only known after asking it, and the library sends what it is given. So messages are checked
 * at the last moment before they are sent. A password that is encrypted separately may pass.
 */
function holdBackOpenPasswords(
  library: Library,
  client: OPCUAClient,
  { endpoint_url, user_name }: ServerSettings,
): void {
  const { ActivateSessionRequest, UserNameIdentityToken } = library;
  client.on("secure_channel_created", (channel) => {
    const send = channel.performMessageTransaction.bind(channel);
    channel.performMessageTransaction = (request, callback) => {
      const token = request instanceof ActivateSessionRequest ? request.userIdentityToken : undefined;
      if (!(token instanceof UserNameIdentityToken) || token.encryptionAlgorithm) return send(request, callback);
      const reported = `${endpoint_url} asks for the unencrypted password of ${user_name}; it was not sent`;
      const hint =
        'OPC_UA.security_mode = "SignAndEncrypt"; on a network that is trusted, OPC_UA.password_in_clear = true';
      callback(new Failure("opcua.refused", reported, { hint, retry: "later" }));
    };
  });
}

/** Returns the failure for a server that accepts connections but does not answer in time. */
export function noAnswer({ endpoint_url, connect_timeout_seconds }: ServerSettings): Failure {
  return new Failure("opcua.timeout", `${endpoint_url} did not respond within ${connect_timeout_seconds} s`, {
    hint: "the server hangs, or another program listens there",
    retry: "later",
  });
}

/**
 * Returns the endpoints as the server describes them to any client. Throws errors of the connection; Failure `opcua.refused` if
 * the server says why it ends the connection, ends it before it says anything, or is not an OPC UA server; `opcua.timeout` if it
 * does not answer.
 */
export async function discover(
  library: Library,
  settings: ServerSettings,
  own: OwnCertificate,
): Promise<EndpointDescription[]> {
  const connectMs = settings.connect_timeout_seconds * 1000;
  const transport = await transportTo(settings.endpoint_url, settings.connect_timeout_seconds * 1000);
  own.manager.referenceCounter += 1;
  const client = library.OPCUAClient.create({
    applicationName: APPLICATION_NAME,
    applicationUri: own.applicationUri,
    endpointMustExist: false,
    certificateFile: own.certificateFile,
    privateKeyFile: own.privateKeyFile,
    clientCertificateManager: own.manager,
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 200 },
    transportTimeout: connectMs,
    ...transport,
  });
  const errors = new ServerErrors(library, client);
  const ask = async () => {
    await client.connect(settings.endpoint_url);
    return client.getEndpoints();
  };
  try {
    return await withDeadline(Promise.race([ask(), errors.ended]), connectMs, () => noAnswer(settings));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const reported = errors.first;
    if (reported === undefined) throw (await whySilent(settings.endpoint_url, connectMs)) ?? cause;
    const message = `${settings.endpoint_url}: ${serverErrorText(reported)}`;
    throw new Failure("opcua.refused", message, { hint: discoveryRemedyFor(reported.status), retry: "later", cause });
  } finally {
    await abandon(client);
  }
}

/** Disconnects as far as the other side permits. */
export async function abandon(client: OPCUAClient): Promise<void> {
  try {
    await withDeadline(client.disconnect(), CLOSE_WITHIN_MS, () => new Error("not in time"));
  } catch {
    // The connection is useless either way; what is left of it ends by its own time-outs.
  }
}
