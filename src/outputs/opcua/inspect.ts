// Inspects the server for `phorest opcua check` and `browse`. Writes nothing.
import { encodeFailure, Failure, failureLine } from "../../failure/failure.ts";
import type { Outcome } from "../../manifest/outcomes.ts";
import { describeCertificate, leaf, ownCertificate, thumbprint, trustedCertificate } from "./certificates.ts";
import { discover } from "./client.ts";
import type { Plain } from "./data-type.ts";
import { endpointText, shownCertificate } from "./failures.ts";
import type { Library } from "./library.ts";
import { type BoundNode, bindNodes } from "./node-table.ts";
import { probe } from "./probe.ts";
import { EXPORT_CURE } from "./remedies.ts";
import { sampleOf } from "./sample.ts";
import type { ServerSettings } from "./server-settings.ts";
import { PlantSession } from "./session.ts";
import type { Mapping } from "./target.ts";
import { whyUnusable } from "./usable.ts";
import { valuesOutOfRange } from "./writer.ts";

/** One line of a check: what, its state, and what to do if there is a problem. */
export interface Finding {
  readonly subject: string;
  readonly well: boolean;
  readonly text: string;
  readonly cure?: string;
}

/**
 * Checks the server, the security, the session and every mapped node. `latest`: the last measured frame with the ROIs of the
 * mapping, whose values are compared with the ranges of the nodes. Never throws because of the server.
 */
export async function inspect(
  library: Library,
  server: ServerSettings,
  mapping: Mapping,
  latest?: Outcome,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const own = await ownCertificate(server.certificate_dir);
  findings.push(finding("certificate of phorest", true, `${own.certificateFile}, application ${own.applicationUri}`));
  try {
    await probe(server.endpoint_url, server.connect_timeout_seconds * 1000);
  } catch (error) {
    // Nothing else can be checked on a server that is not available.
    return [...findings, finding("server", false, failureLine(error))];
  }
  const described = await endpoints(library, server);
  let session: PlantSession;
  try {
    session = await PlantSession.open(library, server, { asked: true });
  } catch (error) {
    return [...findings, ...withoutSession(described, error)];
  }
  // A server that accepts us need not list its endpoints for unknown clients.
  findings.push(...described.map((one) => (one.subject === ENDPOINTS ? { ...one, well: true } : one)));
  try {
    findings.push(finding("session", true, `${server.security_mode}, logged in as ${whoOf(server)}`));
    if (server.security_mode === "None" && server.user_name !== undefined) findings.push(OPEN_PASSWORD);
    const limits = Object.entries(session.stated).map(([what, limit]) => `${what} ${limit === 0 ? "any" : limit}`);
    findings.push(finding("limits", true, `nodes in one request: ${limits.join(", ")}`));
    for (const problem of mapping.problems) findings.push(finding("mapping", false, problem));
    for (const node of await bindNodes(session, mapping.targets)) findings.push(nodeFinding(node, latest));
  } catch (error) {
    findings.push(finding("session", false, failureLine(error)));
  } finally {
    await session.close();
  }
  return findings;
}

/** Returns what is known without a session. One cause gives one finding. */
function withoutSession(described: readonly Finding[], thrown: unknown): Finding[] {
  const { code, message, hint } = encodeFailure(thrown);
  const isReported = code === "opcua.untrusted" && described.some(({ subject, well }) => subject === TRUSTED && !well);
  if (isReported) return [...described];
  const others = described.filter(({ subject, text }) => subject !== ENDPOINTS || text !== message);
  return [...others, finding("session", false, message, hint)];
}

const TRUSTED = "trusted certificate";
const ENDPOINTS = "endpoints";

const finding = (subject: string, well: boolean, text: string, cure?: string): Finding => ({
  subject,
  well,
  text,
  ...(cure === undefined ? {} : { cure }),
});

/** Some servers allow encryption even so, but it is unclear whose certificate that would use. */
const OPEN_PASSWORD = finding(
  "password",
  false,
  "it is sent to a server whose certificate is not checked, and can be read on the network",
  'security_mode = "SignAndEncrypt"',
);

const whoOf = ({ user_name, user_certificate_file }: ServerSettings): string =>
  user_name ?? (user_certificate_file === undefined ? "anonymous" : user_certificate_file);

async function endpoints(library: Library, server: ServerSettings): Promise<Finding[]> {
  const own = await ownCertificate(server.certificate_dir);
  const trusted = trustedCertificate(server.certificate_dir, server.endpoint_url);
  const secure = server.security_mode !== "None";
  const findings: Finding[] = [];
  if (trusted !== undefined) findings.push(certificateFinding(TRUSTED, trusted, server));
  else if (secure) findings.push(finding(TRUSTED, false, "none for this server", "phorest opcua trust"));
  try {
    const offered = await discover(library, server, own);
    const lines = offered.map((endpoint) => {
      const tokens = (endpoint.userIdentityTokens ?? []).map(({ tokenType }) => library.UserTokenType[tokenType]);
      return `${endpointText(endpoint)} at ${endpoint.endpointUrl}, log-in: ${[...new Set(tokens)].join(", ")}`;
    });
    for (const line of new Set(lines)) findings.push(finding("endpoint", true, line));
    const shown = shownCertificate(library, offered, server);
    if (
      secure &&
      shown !== undefined &&
      trusted !== undefined &&
      thumbprint(leaf(shown)) !== thumbprint(leaf(trusted))
    ) {
      const other = `the server has another one: ${thumbprint(leaf(shown))}`;
      const cure = `ask the operator of the server; if it was renewed: phorest opcua trust --thumbprint ${thumbprint(leaf(shown))}`;
      findings.push(finding(TRUSTED, false, other, cure));
    }
  } catch (error) {
    // Standard servers answer this without a log-in; others can still be used with a certificate from a file.
    if (error instanceof Failure) findings.push(finding(ENDPOINTS, false, error.message, error.hint));
    else findings.push(finding(ENDPOINTS, false, "the server does not list them to unknown clients", EXPORT_CURE));
  }
  return findings;
}

function certificateFinding(subject: string, der: Buffer, server: ServerSettings): Finding {
  const { subject: name, thumbprint: print, validTo } = describeCertificate(der);
  const text = `${name}, ${print}, until ${validTo}`;
  const unusable = whyUnusable(der, server);
  return unusable === undefined
    ? finding(subject, true, text)
    : finding(subject, false, `${text}: it ${unusable.why}`, unusable.remedy);
}

function nodeFinding(node: BoundNode, latest: Outcome | undefined): Finding {
  const { target, refusal, typeText, type, takesStatus, takesTime } = node;
  const subject = `${target.shown} <- ${target.value}`;
  if (refusal !== undefined) return finding(subject, false, refusal.status, refusal.cure);
  const cast = typeText.startsWith(type) ? typeText : `${typeText} as ${type}`;
  const sample =
    latest && target.name.kind !== "live" ? sampleOf(target, { outcome: latest, shift: undefined }) : undefined;
  const beyond = sample === undefined ? [] : valuesOutOfRange({ node, sample });
  if (beyond.length > 0) {
    const cure = "use scale and offset, or a wider type";
    return finding(subject, false, `${cast}: ${beyondText(beyond)}`, cure);
  }
  const lacks = [...(takesTime ? [] : ["time stamp"]), ...(takesStatus ? [] : ["status"])];
  return finding(subject, true, lacks.length === 0 ? cast : `${cast}, does not accept a ${lacks.join(" or ")}`);
}

/**
 * Returns `the value of the last frame, 6001, is out of its range`; for a list, how many of its values are, and the first of
 * them.
 */
function beyondText(beyond: readonly Plain[]): string {
  const [first] = beyond;
  const shown = typeof first === "number" ? String(Number(first.toPrecision(6))) : String(first);
  if (beyond.length === 1) return `the value of the last frame, ${shown}, is outside its range`;
  return `${beyond.length} values of the last frame (first: ${shown}) are outside its range`;
}
