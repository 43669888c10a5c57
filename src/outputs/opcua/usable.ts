// Checks, before anything is sent, whether the certificates of both sides are valid today.
import { X509Certificate } from "node:crypto";
import type { OpcUaConfig } from "../../config/opcua-section.ts";
import { Failure } from "../../failure/failure.ts";
import { leaf, type OwnCertificate, trustedCertificate, WEAK_KEY_CURE, whyOutOfDate, whyWeak } from "./certificates.ts";

interface Server extends Pick<OpcUaConfig, "certificate_dir" | "unsafe_short_keys"> {
  readonly endpoint_url: string;
}

/** Why a certificate is not valid (follows its name in a sentence), and what to do. */
interface Unusable {
  readonly why: string;
  readonly remedy: string;
}

/**
 * Returns why a server's certificate, DER, is not valid today: it is out of date, or its key is short. Undefined if it is valid.
 */
export function whyUnusable(
  der: Uint8Array,
  { unsafe_short_keys }: Pick<Server, "unsafe_short_keys">,
): Unusable | undefined {
  const certificate = new X509Certificate(leaf(der));
  const ended = whyOutOfDate(certificate);
  if (ended !== undefined) return { why: ended, remedy: "renew it on the server, then run phorest opcua trust" };
  const weak = unsafe_short_keys ? undefined : whyWeak(certificate);
  return weak === undefined ? undefined : { why: weak, remedy: WEAK_KEY_CURE };
}

/**
 * Returns the server's trusted certificate, DER. Throws Failure `opcua.untrusted`: none is trusted, it is out of date, or its key
 * or our own is too short.
 */
export function requireUsable(server: Server, own: OwnCertificate): Buffer {
  const { certificate_dir, endpoint_url, unsafe_short_keys } = server;
  const refuse = (what: string, hint: string) => new Failure("opcua.untrusted", what, { hint, retry: "later" });
  const der = trustedCertificate(certificate_dir, endpoint_url);
  const name = `the certificate of ${endpoint_url}`;
  if (der === undefined) throw refuse(`${name} is not trusted yet`, "check and trust it: phorest opcua trust");
  const unusable = whyUnusable(der, server);
  if (unusable !== undefined) throw refuse(`${name} ${unusable.why}`, unusable.remedy);
  if (own.weak !== undefined && !unsafe_short_keys) {
    const hint = "move it away, start again, and let the server trust the new one";
    throw refuse(`the certificate of phorest ${own.certificateFile} ${own.weak}`, hint);
  }
  return der;
}
