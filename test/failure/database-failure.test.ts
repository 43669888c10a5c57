import { describe, expect, test } from "vitest";
import { encodeFailure, failureLine } from "../../src/failure/failure.ts";

/** As better-sqlite3 throws it. */
const thrown = (code: string) => Object.assign(new Error("as SQLite says it"), { name: "SqliteError", code });

describe("every error of SQLite has a meaning", () => {
  test.each([
    ["manifest.corrupt", ["CORRUPT", "CORRUPT_VTAB", "CORRUPT_INDEX", "CORRUPT_SEQUENCE", "NOTADB", "FORMAT"]],
    ["disk.full", ["FULL"]],
    [
      "disk.failed",
      ["IOERR", "IOERR_READ", "IOERR_SHORT_READ", "IOERR_FSYNC", "IOERR_SHMMAP", "IOERR_CORRUPTFS", "READONLY"],
    ],
    ["disk.failed", ["READONLY_DBMOVED", "READONLY_CANTINIT", "CANTOPEN", "CANTOPEN_ISDIR", "PERM", "NOLFS"]],
    ["manifest.locked", ["BUSY", "BUSY_SNAPSHOT", "BUSY_RECOVERY", "LOCKED", "LOCKED_SHAREDCACHE", "PROTOCOL"]],
    ["manifest.failed", ["ERROR", "CONSTRAINT_UNIQUE", "CONSTRAINT_CHECK", "MISMATCH", "TOOBIG", "NOMEM", "INTERNAL"]],
    ["manifest.failed", ["SCHEMA", "ABORT", "INTERRUPT", "MISUSE", "RANGE", "A_CODE_OF_TOMORROW"]],
  ])("%s: %j", (code, sqlite) => {
    for (const name of sqlite) expect(encodeFailure(thrown(`SQLITE_${name}`)).code).toBe(code);
  });

  test("a person reads what failed and what to do, in one line, without SQLite's names for it", () => {
    const line = failureLine(thrown("SQLITE_CORRUPT"));
    expect(line).toContain("the database phorest.sqlite is damaged: as SQLite says it");
    expect(line).toContain("phorest verify --repair");
    expect(line).not.toMatch(/SQLITE_|SqliteError|\n/);
  });
});
