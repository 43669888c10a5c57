// Expected failures as data. A Failure is thrown inside a thread, caught at the edge of the thread and sent as a plain object,
// because an Error loses its code and name between threads.

import { databaseFailure } from "./database-failure.ts";
import { type FailureCode, type FailureData, lineOf, type Retry } from "./failure-data.ts";
import { readable } from "./quote.ts";

export { type FailureCode, type FailureData, lineOf, type Retry } from "./failure-data.ts";

/**
 * An expected failure: one line for people, a code for programs, a hint what to do. Text from files or programs may be quoted in
 * it: it is cut to a readable length, and characters that control a terminal are removed.
 */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly hint: string | undefined;
  readonly retry: Retry;

  constructor(code: FailureCode, message: string, options: { hint?: string; retry?: Retry; cause?: unknown } = {}) {
    super(readable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.code = code;
    this.hint = options.hint === undefined ? undefined : readable(options.hint);
    this.retry = options.retry ?? "never";
  }

  /** The line to show to people: what and where, then what to do. */
  get line(): string {
    return lineOf(this);
  }
}

/** Returns the plain form of anything thrown. Anything but a Failure or a known system error is a bug and becomes `internal`. */
export function encodeFailure(thrown: unknown): FailureData {
  if (thrown instanceof Failure) {
    return { code: thrown.code, message: thrown.message, hint: thrown.hint, retry: thrown.retry };
  }
  const system = fromSystemError(thrown);
  if (system !== undefined) return encodeFailure(system);
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { code: "internal", message, retry: "later" };
}

/** Restores the Failure in the receiving thread. */
export function decodeFailure(data: FailureData, cause?: unknown): Failure {
  return new Failure(data.code, data.message, { hint: data.hint, retry: data.retry, cause });
}

/** Returns one line for anything thrown, for logs and the console. */
export function failureLine(thrown: unknown): string {
  return decodeFailure(encodeFailure(thrown)).line;
}

const DISK_FULL = new Set(["ENOSPC", "EDQUOT"]);
const DISK_FAILED = new Set(["EIO", "EROFS", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "EMFILE", "ENFILE"]);

/** Plain words for errors such as "EROFS: read-only file system, open '…'". */
const DISK_WORDS: Readonly<Record<string, string>> = {
  EIO: "input/output error; the disk or its cable may be failing",
  EROFS: "the disk is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
};

/** Converts operating-system errors that have a meaning here; returns undefined for all others. */
function fromSystemError(thrown: unknown): Failure | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return undefined;
  const where = "path" in thrown && typeof thrown.path === "string" ? `${thrown.path}: ` : "";
  if (DISK_FULL.has(thrown.code)) {
    return new Failure("disk.full", `${where}no space left on the disk`, {
      hint: "free some space; a run continues then",
      retry: "later",
      cause: thrown,
    });
  }
  if (DISK_FAILED.has(thrown.code)) {
    return new Failure("disk.failed", `${where}${DISK_WORDS[thrown.code] ?? thrown.message}`, {
      hint: "check the disk and its permissions",
      retry: "later",
      cause: thrown,
    });
  }
  const database = databaseFailure({ code: thrown.code, message: thrown.message });
  if (database !== undefined) return decodeFailure(database, thrown);
  if (thrown.code === "ERR_DLOPEN_FAILED") {
    return new Failure("installation.broken", thrown.message.replaceAll(/\s+/g, " "), {
      hint: "install phorest again",
      cause: thrown,
    });
  }
  if (thrown.code === "ENOENT") return missingFile(where, thrown);
  return undefined;
}

/** Only the code that opens an image knows that a missing file is an image, and throws `frame.missing` itself. */
function missingFile(where: string, cause: Error): Failure {
  // A file that is gone although its directory exists may come back.
  return new Failure("file.missing", where === "" ? cause.message : `${where}no such file or directory`, {
    hint: "put it back; phorest retries",
    retry: "later",
    cause,
  });
}
