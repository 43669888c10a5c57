// Converts errors of a connection, from the server or the library, to Failures for people.
import type { EndpointDescription } from "node-opcua-client";
import { Failure } from "../../failure/failure.ts";
import { leaf, type OwnCertificate, thumbprint } from "./certificates.ts";
import { discover } from "./client.ts";
import { whySilent } from "./hello.ts";
import type { Library } from "./library.ts";
import { connectionRemedyFor, logInRemedy } from "./remedies.ts";
import { type ServerError, serverErrorText } from "./server-error.ts";
import type { ServerSettings } from "./server-settings.ts";

const STATUS = /\b(Bad[A-Z]\w+)/;
/** Statuses that mean that the connection or session is gone, not that a request was wrong. */
const GONE =
  /Bad(SessionIdInvalid|SessionClosed|SessionNotActivated|SecureChannel\w*|Connection\w*|Communication\w*|Timeout|RequestTimeout|ServerHalted|Shutdown|NotConnected|ServerNotConnected|Tcp\w*|InvalidState)\b/;

const TRANSPORT = /connect|socket|channel|transaction|session|ECONN|EPIPE|ETIMEDOUT/i;

const OTHER_LOG_IN_CURE =
  "phorest opcua check lists the supported log-ins: use one of them, or allow this one on the server";

/** Returns the name of the status code in an error of the library; undefined if it has none. */
export function statusNameIn(error: unknown): string | undefined {
  return error instanceof Error ? STATUS.exec(error.message)?.[1] : undefined;
}

/** Explains a failed request on a working session. Errors that do not concern the connection are returned unchanged. */
export function explainFailure(endpointUrl: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RangeError) return error;
  const status = statusNameIn(error);
  const gone = status === undefined ? TRANSPORT.test(error.message) : GONE.test(status);
  if (!gone) return error;
  return new Failure("opcua.lost", `${endpointUrl}: ${status ?? firstLine(error)}`, {
    hint: "phorest reconnects",
    retry: "later",
    cause: error,
  });
}

/** Returns why a connection that reached the server failed. */
export async function whyRefused(
  library: Library,
  settings: ServerSettings,
  own: OwnCertificate,
  trusted: Buffer | undefined,
  error: unknown,
  reported: ServerError | undefined,
): Promise<Failure> {
  const { endpoint_url: url, security_mode, security_policy } = settings;
  const status = reported?.status ?? statusNameIn(error);
  const wanted = security_mode === "None" ? "security None" : `${security_mode} with ${security_policy}`;
  const refused = (message: string, hint: string) =>
    new Failure("opcua.refused", `${url}: ${message}`, { hint, retry: "later", cause: error });
  if (reported === undefined && status === undefined) {
    const silent = await whySilent(url, settings.connect_timeout_seconds * 1000);
    if (silent !== undefined) return silent;
  }
  const endpoints = await discover(library, settings, own).catch(() => undefined);
  const mode = library.MessageSecurityMode[security_mode];
  const offered = endpoints?.filter((endpoint) =>
    fits(endpoint, mode, security_mode === "None" ? "None" : security_policy),
  );
  if (endpoints !== undefined && offered?.length === 0) {
    return refused(
      `the server offers no ${wanted}`,
      `it offers ${[...new Set(endpoints.map(endpointText))].join(", ")}`,
    );
  }
  const shown = shownCertificate(library, endpoints ?? [], settings);
  if (trusted !== undefined && shown !== undefined && thumbprint(leaf(shown)) !== thumbprint(leaf(trusted))) {
    const seen = thumbprint(leaf(shown));
    return new Failure("opcua.untrusted", `the certificate of ${url} (${seen}) is not the trusted one`, {
      hint: `if it was renewed on purpose: phorest opcua trust --thumbprint ${seen}`,
      retry: "later",
    });
  }
  if (reported !== undefined) return refused(serverErrorText(reported), connectionRemedyFor(reported.status));
  if (status !== undefined) return refused(status, connectionRemedyFor(status));
  // The library looks for a way to log in before it asks the server.
  if (error instanceof Error && /token polic|user ?token|anonymous/i.test(error.message)) {
    const who = whoLogsIn(settings);
    if (who === "anonymous") return refused("the server does not allow anonymous log-in", logInRemedy(who));
    const what = who === "user" ? "user names" : "user certificates";
    return refused(`the server does not accept ${what} with ${wanted}`, OTHER_LOG_IN_CURE);
  }
  if (security_mode === "None" && endpoints === undefined) {
    return refused(
      "the server closed the connection",
      "it probably does not offer security None: set OPC_UA.security_mode",
    );
  }
  return refused(
    `the server closed the connection (${wanted})`,
    `trust the certificate of phorest on the server: ${own.certificateFile}`,
  );
}

const whoLogsIn = ({ user_name, user_certificate_file }: ServerSettings) =>
  user_name !== undefined ? "user" : user_certificate_file !== undefined ? "certificate" : "anonymous";

/** Returns the certificate that the server shows for the configured security: a server may have one for each policy. */
export function shownCertificate(
  { MessageSecurityMode }: Pick<Library, "MessageSecurityMode">,
  endpoints: readonly EndpointDescription[],
  { security_mode, security_policy }: Pick<ServerSettings, "security_mode" | "security_policy">,
): Buffer | undefined {
  const showing = endpoints.filter(({ serverCertificate }) => serverCertificate?.length > 0);
  const asked = showing.find((endpoint) => fits(endpoint, MessageSecurityMode[security_mode], security_policy));
  return (asked ?? showing[0])?.serverCertificate;
}

function fits({ securityMode, securityPolicyUri }: EndpointDescription, mode: number, policy: string): boolean {
  return securityMode === mode && securityPolicyUri?.endsWith(`#${policy}`) === true;
}

/** Returns `SignAndEncrypt with Basic256Sha256`. */
export function endpointText({ securityMode, securityPolicyUri }: EndpointDescription): string {
  const policy = securityPolicyUri?.split("#").at(-1) ?? "?";
  return policy === "None" ? "security None" : `${MODE_NAMES[securityMode] ?? securityMode} with ${policy}`;
}

const MODE_NAMES: Readonly<Record<number, string>> = { 1: "None", 2: "Sign", 3: "SignAndEncrypt" };

function firstLine({ message }: Error): string {
  return message.trim().split("\n")[0] ?? "";
}
