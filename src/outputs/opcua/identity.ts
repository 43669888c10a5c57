// The identity for the log-in. Secrets come from the environment or from files that no one else can read. They are read when a
// session is opened, are not stored, and appear in no message.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { UserIdentityInfo } from "node-opcua-client";
import type { OpcUaConfig } from "../../config/opcua-section.ts";
import { Failure } from "../../failure/failure.ts";
import { shellWord } from "../../failure/quote.ts";
import { readCertificate, whyWeak } from "./certificates.ts";
import { fileMark } from "./file-mark.ts";
import type { Library } from "./library.ts";

type Settings = Pick<
  OpcUaConfig,
  "user_name" | "password_env" | "password_file" | "user_certificate_file" | "user_key_file" | "unsafe_short_keys"
>;

export type Identity =
  | { readonly kind: "anonymous" }
  | { readonly kind: "user"; readonly userName: string; readonly password: string }
  | { readonly kind: "certificate"; readonly der: Buffer; readonly keyPem: string };

/**
 * Returns the identity that the settings ask for. Throws Failure `config.invalid`: no password, a file that others can read, a
 * key that does not match.
 */
export function readIdentity(settings: Settings, environment: NodeJS.ProcessEnv = process.env): Identity {
  const { user_name, user_certificate_file, user_key_file } = settings;
  if (user_name !== undefined) {
    return { kind: "user", userName: user_name, password: readPassword(settings, environment) };
  }
  if (user_certificate_file === undefined || user_key_file === undefined) return { kind: "anonymous" };
  const keyPem = readSecret(user_key_file, "OPC_UA.user_key_file");
  const der = readCertificate(user_certificate_file);
  checkUserCertificate(settings, new X509Certificate(der), keyPem);
  return { kind: "certificate", der, keyPem };
}

function checkUserCertificate(
  { user_certificate_file, user_key_file, unsafe_short_keys }: Settings,
  certificate: X509Certificate,
  keyPem: string,
): void {
  const weak = unsafe_short_keys ? undefined : whyWeak(certificate);
  if (weak !== undefined) {
    throw new Failure("config.invalid", `OPC_UA.user_certificate_file = "${user_certificate_file}": ${weak}`, {
      hint: "make a longer one for the user, or set OPC_UA.unsafe_short_keys = true on a trusted network",
    });
  }
  const refuse = (reason: string, hint: string) =>
    new Failure("config.invalid", `OPC_UA.user_key_file = "${user_key_file}": ${reason}`, { hint });
  let key: KeyObject;
  try {
    key = createPrivateKey(keyPem);
  } catch {
    // The parser's own message may quote what it read.
    throw refuse("not a private key in PEM format", "use an unencrypted PEM key");
  }
  if (!certificate.checkPrivateKey(key)) {
    throw refuse("does not match the certificate of the user", "use the key that belongs to user_certificate_file");
  }
}

function readPassword({ user_name, password_env, password_file }: Settings, environment: NodeJS.ProcessEnv): string {
  if (password_file !== undefined) return readSecret(password_file, "OPC_UA.password_file").replace(/\r?\n$/, "");
  const password = environment[password_env];
  if (password !== undefined && password !== "") return password;
  throw new Failure("config.invalid", `OPC_UA.user_name = "${user_name}": the password is missing`, {
    hint: `set the environment variable ${password_env}, or name a file in OPC_UA.password_file`,
  });
}

/** Returns the text of a file, if only its owner can read it. */
function readSecret(file: string, setting: string): string {
  const refuse = (reason: string, hint: string) =>
    new Failure("config.invalid", `${setting} = "${file}": ${reason}`, { hint });
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw refuse("no such file", "create it with the secret as its content, then chmod 600 it");
  if (!found.isFile()) throw refuse("is not a file", "name a file");
  if ((found.mode & 0o077) !== 0) throw refuse("can be read by others", `chmod 600 ${shellWord(file)}`);
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Failure("config.invalid", `${setting} = "${file}": no permission to read it`, {
      hint: "change its owner",
      cause,
    });
  }
}

/** Returns a mark that changes if the content, the owner or the permissions of a file with a secret change. Never throws. */
export function secretMark({ password_file, user_certificate_file, user_key_file }: Settings): string {
  return [password_file, user_certificate_file, user_key_file].map(fileMark).join(", ");
}

/** Returns the identity in the client library's form. */
export function identityInfo({ UserTokenType }: Library, identity: Identity): UserIdentityInfo {
  switch (identity.kind) {
    case "anonymous":
      return { type: UserTokenType.Anonymous };
    case "user":
      return { type: UserTokenType.UserName, userName: identity.userName, password: identity.password };
    case "certificate":
      return { type: UserTokenType.Certificate, certificateData: identity.der, privateKey: identity.keyPem };
  }
}
