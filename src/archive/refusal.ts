// Explains operating-system errors of copies to a share: for one file, and for the share itself.
import { basename } from "node:path";
import { megabytes } from "../system/byte-size.ts";
import { printable } from "../system/file-name.ts";

/** Characters that NTFS, exFAT, FAT and SMB do not allow in a name. */
const NOT_ON_WINDOWS = /[:*?"<>|\\]/;

/**
 * Explains why a share refuses one file; completes the sentence "NAME: ...". `path` is the file's path on the share, `bytes` its
 * size.
 */
export function refusalWords(code: string | undefined, path: string, bytes: number | undefined): string {
  switch (code) {
    case "ENAMETOOLONG":
      return tooLongWords(path);
    case "EILSEQ":
      return "the share cannot store the characters of its name";
    case "EINVAL":
      return invalidWords(path);
    case "EFBIG":
      return `it is too large for the file system of the share${bytes === undefined ? "" : ` (${megabytes(bytes)})`}`;
    case "ENOSPC":
    case "EDQUOT":
      return `the share has not enough space for it${bytes === undefined ? "" : ` (${megabytes(bytes)})`}`;
    case "EISDIR":
      return "the share has a directory of this name";
    case "ENOTDIR":
      return "the share has a file with the name of its directory";
    case "ELOOP":
      return "the share has a symbolic link of this name";
    case "EACCES":
    case "EPERM":
      return "the share does not allow this file to be written (permission denied), although it allows others";
    case "EIO":
      return "the share reported an input/output error for this file, although it accepts others";
    default:
      return `the share refuses this file (${code ?? "unknown error"}), although it accepts others`;
  }
}

function tooLongWords(path: string): string {
  const bytes = (name: string) => Buffer.byteLength(name);
  const own = basename(path);
  const longest = path.split("/").reduce((one, other) => (bytes(other) > bytes(one) ? other : one), own);
  return longest === own
    ? `its name is too long for the share (${bytes(own)} bytes)`
    : `the name of its directory ${printable(longest)} is too long for the share (${bytes(longest)} bytes)`;
}

/**
 * Most servers that refuse a name as invalid do so because of one of these characters, or a final character that Windows drops.
 */
function invalidWords(path: string): string {
  for (const name of path.split("/")) {
    const [character] = NOT_ON_WINDOWS.exec(name) ?? [];
    if (character !== undefined) return `the share does not allow ${printable(character)} in a name`;
    if (/[. ]$/.test(name)) return "the share does not allow a name that ends with a dot or a space";
    if ([...name].some((letter) => letter < " ")) return "the share does not allow control characters in a name";
  }
  return "the share refuses this file as invalid (EINVAL), although it accepts others";
}

/** Errors that mean that the server, the network or the disk behind the mount does not respond. */
const AWAY = new Set([
  ...["ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENETRESET", "ENOTCONN"],
  ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EREMOTEIO", "EREMCHG", "ESHUTDOWN", "EPIPE", "EAGAIN"],
]);
/** Errors that mean that the disk is no longer attached. */
const DETACHED = new Set(["ENODEV", "ENXIO", "ENOMEDIUM"]);

/** Whether an error means that the share is disconnected, and not that it refuses something. */
export function isAway(code: string): boolean {
  return AWAY.has(code) || DETACHED.has(code);
}

/** Explains what is wrong with the share at `directory`, and what to do, for errors without a state of their own. */
export function shareWords(code: string, message: string, directory: string): [words: string, remedy: string] {
  if (AWAY.has(code))
    return [`the share ${directory} does not respond (${message})`, "check the network and the server"];
  if (DETACHED.has(code))
    return [`the disk of ${directory} is disconnected (${message})`, "plug it in and mount it again"];
  if (code === "EIO") {
    return [
      `the share ${directory} reports input/output errors (${message})`,
      "check its disk, its cable and the log of the system (dmesg)",
    ];
  }
  return [`writing to the share ${directory} fails (${message})`, "check how it is mounted, and run `phorest doctor`"];
}
