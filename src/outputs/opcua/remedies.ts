// Status codes that users may meet, and what to do about each. docs/opc-ua.md explains them in detail.

const OURS = "trust the certificate of phorest on the server: it is in OPC_UA.certificate_dir";
/** What to do about a server that accepts no more connections. */
export const CHANNELS_CURE =
  "the server has no free connections (secure channels) or is overloaded: close other clients or raise its limit";
const OTHER_SECURITY =
  "the server does not support this security: set OPC_UA.security_mode and security_policy to what it offers";
const SMALL = "the server accepts only small messages: raise its limits of message and chunk size";
const NO_SPEAKER = "check that OPC_UA.endpoint_url is an OPC UA server with the binary protocol (opc.tcp)";

const REMEDIES: Readonly<Record<string, string>> = {
  BadNodeIdUnknown: "the node does not exist: check node_id with phorest opcua browse",
  BadNodeIdInvalid: "write a node id as ns=2;s=Name or ns=2;i=42, a path as /Objects/2:Chip",
  BadNoMatch:
    "the browse path does not exist: names need the number of their namespace, as in /Objects/2:Chip; see phorest opcua browse",
  BadServiceUnsupported: "the server does not support browse paths: use node_id",
  BadBrowseNameInvalid: "check the names and namespace numbers of the path, as in /Objects/2:Chip",
  BadTypeMismatch: "the node has another data type: choose another value or change the node",
  BadNotWritable: "the node is read-only: make it writable on the server",
  BadUserAccessDenied: "this user has no permission to write it: give the user this permission on the server",
  BadWriteNotSupported: "the node accepts neither a status or time stamp nor a value alone",
  BadAttributeIdInvalid: "it is not a variable: name a variable",
  BadNodeClassInvalid: "it is not a variable: name a variable",
  BadNotReadable: "its type cannot be read: make its attributes readable, or set data_type",
  BadOutOfRange: "the value is outside the range of the node: use scale and offset, or another data type",
  GoodClamped: "the server stored another value within the range of the node: use scale and offset, or a wider range",
  BadIndexRangeNoData: "the array is longer than the node allows",
  BadTooManySessions: "the server has no free sessions: close others or raise its limit",
  BadTcpServerTooBusy: CHANNELS_CURE,
  BadTcpNotEnoughResources: CHANNELS_CURE,
  BadMaxConnectionsReached: CHANNELS_CURE,
  BadServerTooBusy: CHANNELS_CURE,
  BadOutOfMemory: CHANNELS_CURE,
  BadCertificateUntrusted: OURS,
  BadSecurityChecksFailed: `${OURS}; some servers also report this if a clock is wrong`,
  BadCertificateInvalid: OURS,
  BadCertificateChainIncomplete: OURS,
  BadCertificateRevocationUnknown: OURS,
  BadCertificateIssuerRevocationUnknown: OURS,
  BadCertificateRevoked:
    "the server has revoked the certificate of phorest: move it away, start again, and trust the new one",
  BadCertificateIssuerRevoked:
    "the server has revoked the issuer of the certificate of phorest: correct its list of revoked certificates",
  BadCertificateTimeInvalid:
    "the server considers the certificate of phorest out of date: compare the clocks of both computers and the dates of the certificate",
  BadCertificateIssuerTimeInvalid:
    "the server considers the certificate of the issuer out of date: compare the clocks of both computers",
  BadCertificateUseNotAllowed:
    "the certificate of phorest is not made for this use: move it away, start again, and trust the new one",
  BadCertificateIssuerUseNotAllowed:
    "the issuer must not issue the certificate of phorest: move it away and start again",
  BadCertificatePolicyCheckFailed:
    "the server requires another kind of key: move the certificate of phorest away and start again",
  BadCertificateUriInvalid:
    "the application URI does not match the certificate: move the certificate of phorest away and start again",
  BadCertificateHostNameInvalid: "a certificate is made for another host name: ask the operator of the server",
  BadSecurityPolicyRejected: OTHER_SECURITY,
  BadSecurityModeRejected: OTHER_SECURITY,
  BadSecurityModeInsufficient: 'the server asks for more security: OPC_UA.security_mode = "SignAndEncrypt"',
  BadTcpMessageTooLarge: SMALL,
  BadRequestTooLarge: SMALL,
  BadResponseTooLarge: SMALL,
  BadEncodingLimitsExceeded: SMALL,
  BadTcpEndpointUrlInvalid: "the server does not accept this address: check OPC_UA.endpoint_url, including its path",
  BadTcpMessageTypeInvalid: NO_SPEAKER,
  BadProtocolVersionUnsupported: NO_SPEAKER,
  BadTcpInternalError: "the server failed: check its log",
  BadTcpSecureChannelUnknown: "the server dropped the connection; phorest reconnects",
  BadSecureChannelClosed: "the server closed the connection; phorest reconnects",
  BadSecureChannelTokenUnknown: "the server dropped the keys of the connection; phorest reconnects",
  BadServerHalted: "the server is stopping or starting; phorest retries",
  BadShutdown: "the server is stopping; phorest retries",
  BadTimeout: "the server timed out: check whether the network is overloaded",
  BadNonceInvalid: "the server rejected the key exchange: check its log",
  BadUserSignatureInvalid: "the key of the user does not match its certificate",
};

const DOUBTED = "the server does not confirm the value: check its log; phorest continues with the next frame";

/**
 * Returns what to do if the server refuses the log-in. A secret is sent once, because the server may lock the account after a few
 * wrong ones.
 */
export function logInRemedy(who: "anonymous" | "user" | "certificate"): string {
  if (who === "anonymous") {
    return "the server requires a log-in: set OPC_UA.user_name and its password, or a user certificate";
  }
  const what =
    who === "user"
      ? "correct the user name or the password (password_file, password_env)"
      : "trust the certificate of the user on the server, or use another one";
  return `${what}, or allow the user to log in on the server, then run: phorest opcua check. phorest does not retry the same log-in until then`;
}

/** Answers to an anonymous log-in; for a node they mean something else. */
const LOG_IN = new Set([
  "BadUserAccessDenied",
  "BadIdentityTokenRejected",
  "BadIdentityTokenInvalid",
  "BadIdentityChangeNotSupported",
]);

/** Returns what to do about a status code with which a connection or a log-in was refused. */
export function connectionRemedyFor(statusName: string): string {
  return LOG_IN.has(statusName) ? logInRemedy("anonymous") : remedyFor(statusName);
}

/** Codes with which servers refuse unknown clients. Asking for the endpoints is such a request. */
const ONLY_KNOWN = new Set([
  "BadSecurityPolicyRejected",
  "BadSecurityModeRejected",
  "BadSecurityModeInsufficient",
  "BadSecurityChecksFailed",
]);

/** Returns what to do about a status code with which a server refused to describe its endpoints. */
export function discoveryRemedyFor(statusName: string): string {
  return ONLY_KNOWN.has(statusName) ? EXPORT_CURE : connectionRemedyFor(statusName);
}

/** What to do about a server that does not show its certificate to unknown clients. */
export const EXPORT_CURE =
  "the server does not show its certificate to unknown clients: export it on the server, then run phorest opcua trust --certificate FILE";

/** Returns what to do about a status code. */
export function remedyFor(statusName: string): string {
  return REMEDIES[statusName] ?? (statusName.startsWith("Uncertain") ? DOUBTED : "check the log of the server");
}

/** The meaning of a server's answer to one written value for later frames. */
export type Verdict =
  | "good"
  /** The node accepts nothing; it is not written until it is checked again. */
  | "refused"
  /** The node accepted everything except the status or time stamp. */
  | "bare"
  /** Only this value was not accepted, or the server did not confirm it. */
  | "value"
  /** The server could not accept it at the moment. */
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
  // Uncertain is neither Good nor a refusal: it does not count as accepted, is reported, and does not exclude the node.
  if (severity === 1) return "value";
  if (statusName === "BadWriteNotSupported") return "bare";
  if (VALUE_ALONE.has(statusName)) return "value";
  return FOR_NOW.has(statusName) ? "later" : "refused";
}
