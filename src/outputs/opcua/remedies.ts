// Status codes a person may meet, and what to do about each. docs/opc-ua.md tells the same at length.

const OURS = "have our certificate trusted on the server: it is under OPC_UA.certificate_dir";
/** What to do about a server that takes no more connections. */
export const CHANNELS_CURE =
  "the server's connections (secure channels) are used up, or it is overloaded: end other clients or raise its limit";
const OTHER_SECURITY =
  "the server does not take this security: set OPC_UA.security_mode and security_policy to what it offers";
const SMALL = "the server takes only small messages: have its limits of message and chunk size raised";
const NO_SPEAKER = "check OPC_UA.endpoint_url: is it an OPC UA server with the binary protocol (opc.tcp)?";

const REMEDIES: Readonly<Record<string, string>> = {
  BadNodeIdUnknown: "there is no such node: check node_id with phorest opcua browse",
  BadNodeIdInvalid: "write a node id as ns=2;s=Name or ns=2;i=42, a path as /Objects/2:Chip",
  BadNoMatch:
    "there is no such browse path: names carry the number of their namespace, as in /Objects/2:Chip; see phorest opcua browse",
  BadServiceUnsupported: "the server knows no browse paths: name the node by node_id",
  BadBrowseNameInvalid: "check the names and namespace numbers of the path: it looks like /Objects/2:Chip",
  BadTypeMismatch: "the node has another data type: choose another value or have the node changed",
  BadNotWritable: "the node is read-only: have it made writable on the server",
  BadUserAccessDenied: "this user may not write it: have the right given to the user on the server",
  BadWriteNotSupported: "the node takes no status or time stamp, and no bare value either",
  BadAttributeIdInvalid: "it is not a variable: name a variable",
  BadNodeClassInvalid: "it is not a variable: name a variable",
  BadNotReadable: "its type cannot be read: have its attributes made readable, or give data_type",
  BadOutOfRange: "the value is outside the node's range: use scale and offset, or another data type",
  GoodClamped: "the server keeps another value, within the node's range: use scale and offset, or a wider range",
  BadIndexRangeNoData: "the array is longer than the node allows",
  BadTooManySessions: "the server's sessions are used up: end others or raise its limit",
  BadTcpServerTooBusy: CHANNELS_CURE,
  BadTcpNotEnoughResources: CHANNELS_CURE,
  BadMaxConnectionsReached: CHANNELS_CURE,
  BadServerTooBusy: CHANNELS_CURE,
  BadOutOfMemory: CHANNELS_CURE,
  BadCertificateUntrusted: OURS,
  BadSecurityChecksFailed: `${OURS}; some servers say this also when a clock is wrong`,
  BadCertificateInvalid: OURS,
  BadCertificateChainIncomplete: OURS,
  BadCertificateRevocationUnknown: OURS,
  BadCertificateIssuerRevocationUnknown: OURS,
  BadCertificateRevoked:
    "the server's list of revoked certificates has ours: move it away, start again, trust the new one",
  BadCertificateIssuerRevoked:
    "the server's list of revoked certificates has our certificate's issuer: have it corrected",
  BadCertificateTimeInvalid:
    "the server finds our certificate out of date: compare the clocks of both machines, and the certificate's dates",
  BadCertificateIssuerTimeInvalid:
    "the server finds the certificate of our certificate's issuer out of date: compare the clocks of both machines",
  BadCertificateUseNotAllowed: "our certificate is not made for this use: move it away, start again, trust the new one",
  BadCertificateIssuerUseNotAllowed: "our certificate's issuer may not issue it: move it away and start again",
  BadCertificatePolicyCheckFailed: "the server asks for another kind of key: move our certificate away and start again",
  BadCertificateUriInvalid: "the application URI is not the certificate's: move our certificate away and start again",
  BadCertificateHostNameInvalid: "a certificate was made for another host name: ask who runs the server",
  BadSecurityPolicyRejected: OTHER_SECURITY,
  BadSecurityModeRejected: OTHER_SECURITY,
  BadSecurityModeInsufficient: 'the server asks for more security: OPC_UA.security_mode = "SignAndEncrypt"',
  BadTcpMessageTooLarge: SMALL,
  BadRequestTooLarge: SMALL,
  BadResponseTooLarge: SMALL,
  BadEncodingLimitsExceeded: SMALL,
  BadTcpEndpointUrlInvalid: "the server does not know itself by this address: check OPC_UA.endpoint_url, its path too",
  BadTcpMessageTypeInvalid: NO_SPEAKER,
  BadProtocolVersionUnsupported: NO_SPEAKER,
  BadTcpInternalError: "the server failed: see its own log",
  BadTcpSecureChannelUnknown: "the server has forgotten the connection; phorest makes a new one",
  BadSecureChannelClosed: "the server has ended the connection; phorest makes a new one",
  BadSecureChannelTokenUnknown: "the server has forgotten the connection's keys; phorest makes a new one",
  BadServerHalted: "the server is stopping or starting; phorest tries again",
  BadShutdown: "the server is stopping; phorest tries again",
  BadTimeout: "the server waited for too long: is the network overloaded?",
  BadNonceInvalid: "the server found the key exchange invalid: see its own log",
  BadUserSignatureInvalid: "the user's key does not fit its certificate",
};

const DOUBTED =
  "the server does not vouch for having the value: see its own log; the next frame is written all the same";

/**
 * What to do when the server refuses to let us in. A secret is sent once: the server may lock the account after a few wrong
 * ones.
 */
export function logInCure(who: "anonymous" | "user" | "certificate"): string {
  if (who === "anonymous") {
    return "the server lets nobody in without a log-in: set OPC_UA.user_name and its password, or a user certificate";
  }
  const what =
    who === "user"
      ? "correct the user name or the password (password_file, password_env)"
      : "have the user's certificate trusted on the server, or name another one";
  return `${what}, or have the user allowed to log in on the server, then run: phorest opcua check. phorest does not try the same log-in again by itself`;
}

/** Answers to a log-in without a name; of a node they mean something else. */
const LOG_IN = new Set([
  "BadUserAccessDenied",
  "BadIdentityTokenRejected",
  "BadIdentityTokenInvalid",
  "BadIdentityChangeNotSupported",
]);

/** What to do about a status code that a connection or a log-in was refused with. */
export function connectionCureOf(statusName: string): string {
  return LOG_IN.has(statusName) ? logInCure("anonymous") : remedyFor(statusName);
}

/** Codes with which servers refuse clients they do not know. Asking for the endpoints is such a request. */
const ONLY_KNOWN = new Set([
  "BadSecurityPolicyRejected",
  "BadSecurityModeRejected",
  "BadSecurityModeInsufficient",
  "BadSecurityChecksFailed",
]);

/** What to do about a status code with which a server refused to describe its endpoints. */
export function discoveryCureOf(statusName: string): string {
  return ONLY_KNOWN.has(statusName) ? EXPORT_CURE : connectionCureOf(statusName);
}

/** What to do about a server that does not show its certificate to clients it does not know. */
export const EXPORT_CURE =
  "the server does not show its certificate to unknown clients: export it on the server, then phorest opcua trust --certificate FILE";

/** What to do about a status code. */
export function remedyFor(statusName: string): string {
  return REMEDIES[statusName] ?? (statusName.startsWith("Uncertain") ? DOUBTED : "see the server's own log");
}

/** What a server's answer to one written value means for the frames to come. */
export type Verdict =
  | "good"
  /** The node takes nothing; it is left alone until it is looked at again. */
  | "refused"
  /** The node took everything but the status or time stamp. */
  | "bare"
  /** This value alone was not taken, or the server would not say that it was. */
  | "value"
  /** The server could not just now. */
  | "later";

const VALUE_ALONE = new Set(["BadOutOfRange", "BadIndexRangeNoData", "BadIndexRangeInvalid"]);
const FOR_NOW = new Set([
  "BadOutOfMemory",
  "BadResourceUnavailable",
  "BadCommunicationError",
  "BadNoCommunication",
  "BadNotConnected",
  "BadDeviceFailure",
  "BadWaitingForInitialData",
  "BadTimeout",
  "BadTooManyOperations",
  "BadInternalError",
  "BadUnexpectedError",
  "BadInvalidState",
]);

/** @param severity the two top bits of the status code: 0 good, 1 uncertain, 2 bad. */
export function verdictOf(statusName: string, severity: number): Verdict {
  if (severity === 0) return "good";
  // Uncertain is neither Good nor a refusal: not counted as taken, told, and no reason to leave the node alone.
  if (severity === 1) return "value";
  if (statusName === "BadWriteNotSupported") return "bare";
  if (VALUE_ALONE.has(statusName)) return "value";
  return FOR_NOW.has(statusName) ? "later" : "refused";
}
