// Our own certificate, and the trusted certificates of servers. Our key and certificate are created on first use. A server's
// certificate is trusted after the user has confirmed it, and is then the only one that this client accepts.
import { createHash, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { Failure } from "../../failure/failure.ts";
import { writeDurably } from "../../system/files.ts";
import { wholeOf } from "./library.ts";

export const APPLICATION_NAME = "phorest";
const KEY_BITS = 2048;
const TEN_YEARS_DAYS = 3650;
const DAY_MS = 86_400_000;

/** Our side of a secure channel. */
export interface OwnCertificate {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  /** The URI in the certificate: a server compares the two. */
  readonly applicationUri: string;
  readonly manager: OPCUACertificateManager;
  /** Why its key can be broken; it can be weak if the file was replaced. */
  readonly weak: string | undefined;
}

/**
 * Returns our own certificate; creates it in `directory` (mode 0700) if there is none. Throws Failure `opcua.untrusted` if it has
 * expired: the server would have to trust a new one again, which the user must initiate.
 */
export async function ownCertificate(directory: string): Promise<OwnCertificate> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // The directory may exist already, with wider permissions.
  chmodSync(directory, 0o700);
  const library = wholeOf(await import("node-opcua-certificate-manager"));
  const manager = new library.OPCUACertificateManager({
    rootFolder: directory,
    keySize: KEY_BITS,
    disableFileWatchers: true,
  });
  await manager.initialize();
  const certificateFile = join(directory, "own", "certs", "phorest.pem");
  if (!existsSync(certificateFile)) {
    await manager.createSelfSignedCertificate({
      applicationUri: `urn:${hostname()}:${APPLICATION_NAME}`,
      dns: [hostname()],
      subject: `/CN=${APPLICATION_NAME}/O=${APPLICATION_NAME}/DC=${hostname()}`,
      // A server whose clock is behind would refuse a certificate that is valid only from now on.
      startDate: new Date(Date.now() - DAY_MS),
      validity: TEN_YEARS_DAYS + 1,
      outputFile: certificateFile,
    });
  }
  chmodSync(manager.privateKey, 0o600);
  const certificate = new X509Certificate(readFileSync(certificateFile));
  const ended = whyOutOfDate(certificate);
  if (ended !== undefined) {
    throw new Failure("opcua.untrusted", `the certificate of phorest ${certificateFile} ${ended}`, {
      hint: "move it away, start again, and let the server trust the new one",
      retry: "later",
    });
  }
  return {
    certificateFile,
    privateKeyFile: manager.privateKey,
    applicationUri:
      /URI:([^,\s]+)/.exec(certificate.subjectAltName ?? "")?.[1] ?? `urn:${hostname()}:${APPLICATION_NAME}`,
    manager,
    weak: whyWeak(certificate),
  };
}

/** Returns the server certificate (DER) that the user trusted for this endpoint; undefined if there is none. */
export function trustedCertificate(directory: string, endpointUrl: string): Buffer | undefined {
  const file = trustedFile(directory, endpointUrl);
  return existsSync(file) ? readFileSync(file) : undefined;
}

/** Trusts a certificate (DER) for an endpoint from now on, in place of another one. Returns the path of its file. */
export async function trustCertificate(directory: string, endpointUrl: string, der: Uint8Array): Promise<string> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  mkdirSync(join(directory, "server"), { recursive: true, mode: 0o700 });
  const file = trustedFile(directory, endpointUrl);
  await writeDurably(file, der);
  return file;
}

/** Ends the trust; returns false if there was none. */
export function revokeCertificate(directory: string, endpointUrl: string): boolean {
  const file = trustedFile(directory, endpointUrl);
  const there = existsSync(file);
  rmSync(file, { force: true });
  return there;
}

/** Returns the file of a server: a certificate trusted for one endpoint is not valid for another. */
function trustedFile(directory: string, endpointUrl: string): string {
  return join(directory, "server", `${serverFileName(endpointUrl)}.der`);
}

/** Returns the part of a file name that identifies a server: its host and port. */
export function serverFileName(endpointUrl: string): string {
  const { hostname: host, port } = new URL(endpointUrl);
  return `${host.replaceAll(/[^\w.-]/g, "_")}_${port || "4840"}`;
}

/** Reads a certificate file, PEM or DER, as DER. Throws Failure `usage.invalid`. */
export function readCertificate(file: string): Buffer {
  try {
    return new X509Certificate(readFileSync(file)).raw;
  } catch (cause) {
    throw new Failure("usage.invalid", `${file}: not a readable certificate`, {
      hint: "use a PEM or DER file, exported on the server",
      cause,
    });
  }
}

/** Returns what people compare: the SHA-1 thumbprint that OPC UA tools show, in hexadecimal. */
export function thumbprint(der: Uint8Array): string {
  return createHash("sha1").update(der).digest("hex");
}

/** Describes a certificate. */
export function describeCertificate(der: Uint8Array) {
  const { subject, validFrom, validTo, subjectAltName } = new X509Certificate(leaf(der));
  return {
    subject: subject.replaceAll("\n", ", "),
    validFrom: new Date(validFrom).toISOString(),
    validTo: new Date(validTo).toISOString(),
    names: subjectAltName ?? "",
    thumbprint: thumbprint(leaf(der)),
  };
}

/** Returns why a certificate is not valid today; undefined if it is. */
export function whyOutOfDate(certificate: X509Certificate, now = new Date()): string | undefined {
  if (new Date(certificate.validTo) < now) return `expired on ${certificate.validTo}`;
  if (new Date(certificate.validFrom) > now) return `is not valid before ${certificate.validFrom}; check the clocks`;
  return undefined;
}

/** Returns why the key of a certificate can be broken; undefined if it is long enough. */
export function whyWeak({ publicKey }: Pick<X509Certificate, "publicKey">): string | undefined {
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || bits >= KEY_BITS) return undefined;
  return `has a key of ${bits} bits; keys of fewer than ${KEY_BITS} bits can be broken`;
}

/** What to do about a server certificate with a short key. */
export const WEAK_KEY_CURE =
  "give the server a longer key, or set OPC_UA.unsafe_short_keys = true on a trusted network";

/** Returns the first certificate of a chain of DER certificates: the server's own. */
export function leaf(chain: Uint8Array): Buffer {
  const bytes = Buffer.from(chain);
  // A DER sequence whose length is in the two bytes after 30 82; certificates are never shorter.
  if (bytes.length < 4 || bytes[0] !== 0x30 || bytes[1] !== 0x82) return bytes;
  return bytes.subarray(0, 4 + bytes.readUInt16BE(2));
}
