// Maps SQLite's error codes to Failures. Every code has a meaning, so that no error of the database is blamed on the frame, file
// or share that was being processed.
import { basename } from "node:path";
import type { FailureData } from "./failure-data.ts";

/** Name of the database file if an error does not say which one it was. */
const DATABASE = "phorest.sqlite";

type Meaning = "damaged" | "full" | "disk" | "locked" | "other";

/** By primary code; an extended code such as SQLITE_IOERR_READ has the meaning of its primary code. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  CORRUPT: "damaged",
  NOTADB: "damaged",
  FORMAT: "damaged",
  EMPTY: "damaged",
  FULL: "full",
  IOERR: "disk",
  READONLY: "disk",
  CANTOPEN: "disk",
  PERM: "disk",
  AUTH: "disk",
  NOLFS: "disk",
  BUSY: "locked",
  LOCKED: "locked",
  PROTOCOL: "locked",
};

const SQLITE_CODE = /^SQLITE_([A-Z]+)/;

/** What the user can do about a damaged database, wherever it was found. */
export const DAMAGE_CURE =
  "stop the run, then save what can be read with `phorest verify --repair`, or restore the last backup with `phorest restore`. Images are not affected";

/**
 * Converts an error of SQLite to a failure; returns undefined for any other error.
 * @param path the database file, if known.
 */
export function databaseFailure(
  error: { readonly code: string; readonly message: string },
  path = DATABASE,
): FailureData | undefined {
  const primary = SQLITE_CODE.exec(error.code)?.[1];
  if (primary === undefined) return undefined;
  switch (MEANINGS[primary] ?? "other") {
    case "damaged":
      return damagedDatabase(path, error.message);
    case "full":
      return {
        code: "disk.full",
        message: `${path}: no space left on the disk`,
        hint: "free some space; a run continues then",
        retry: "later",
      };
    case "disk":
      return {
        code: "disk.failed",
        message: `the database ${path} cannot be read or written: ${error.message}`,
        hint: "check the disk and its permissions; if the data directory was removed, moved or made read-only, stop the run, put it back and start again",
        retry: "later",
      };
    case "locked":
      return lockedDatabase(path);
    case "other":
      return {
        code: "manifest.failed",
        message: `a request to the database ${path} failed: ${error.message}`,
        hint: "check the database with `phorest verify`; if it finds nothing, please report this line",
        retry: "later",
      };
  }
}

/** Returns the failure for a damaged database file; `reason` is SQLite's own text. */
export function damagedDatabase(path: string, reason: string): FailureData {
  return {
    code: "manifest.corrupt",
    message: `the database ${path} is damaged: ${reason}`,
    hint: DAMAGE_CURE,
    retry: "never",
  };
}

/** Returns the failure for a database that another program has kept locked for longer than this process waits at a time. */
export function lockedDatabase(path: string): FailureData {
  return {
    code: "manifest.locked",
    message: `another program has locked ${basename(path)}`,
    hint: `close the database shell, viewer or backup program that has it open; \`fuser -v ${path}\` shows which`,
    retry: "later",
  };
}
