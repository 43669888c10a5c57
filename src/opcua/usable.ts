// Whether the certificates of both sides may be used today, before anything is sent.
import { X509Certificate } from "node:crypto";
import type { OpcUaConfig } from "../config/opcua.ts";
import { Failure } from "../failure.ts";
import { type OwnCertificate, trustedCertificate, WEAK_KEY_CURE, whyOutOfDate, whyWeak } from "./certificates.ts";

interface Server extends Pick<OpcUaConfig, "certificate_dir" | "unsafe_short_keys"> {
  readonly endpoint_url: string;
}

/**
 * The server's certificate as trusted, DER. Throws Failure `opcua.untrusted`: none is trusted, it is out of date, or its key
 * or our own is too short.
 */
export function requireUsable(
  { certificate_dir, endpoint_url, unsafe_short_keys }: Server,
  own: OwnCertificate,
): Buffer {
  const refuse = (what: string, hint: string) => new Failure("opcua.untrusted", what, { hint, retry: "later" });
  const der = trustedCertificate(certificate_dir, endpoint_url);
  const server = `the certificate of ${endpoint_url}`;
  if (der === undefined) throw refuse(`${server} is not trusted yet`, "look at it and trust it: phorest opcua trust");
  const certificate = new X509Certificate(der);
  const ended = whyOutOfDate(certificate);
  if (ended !== undefined)
    throw refuse(`${server} ${ended}`, "have it renewed on the server, then phorest opcua trust");
  if (unsafe_short_keys) return der;
  const weak = whyWeak(certificate);
  if (weak !== undefined) throw refuse(`${server} ${weak}`, WEAK_KEY_CURE);
  if (own.weak !== undefined) {
    throw refuse(
      `our own certificate ${own.certificateFile} ${own.weak}`,
      "move it away, start again, and have the server trust the new one",
    );
  }
  return der;
}
