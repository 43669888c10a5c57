// The token: distinguishes a user of the page from a program that only found its port. Each experiment has one, in a file that
// nobody else can read.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { PARTIAL_SUFFIX, syncDirectory } from "../system/files.ts";

/** The token's file, in root_dir. */
export const TOKEN_FILENAME = "web_token";
const OWNER_ONLY = 0o600;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export interface Token {
  readonly token: string;
  readonly file: string;
  /** It was just created, so its owner has not seen it yet. */
  readonly fresh: boolean;
}

/**
 * Returns the experiment's token and creates it if there is none. A file that others could have read is replaced, because its
 * token can no longer be trusted.
 */
export function ensureToken(rootDir: string): Token {
  const file = join(rootDir, TOKEN_FILENAME);
  const known = readToken(file);
  return known === undefined ? { token: makeToken(file), file, fresh: true } : { token: known, file, fresh: false };
}

/** Returns the token in `file`; undefined if there is none that can be trusted. */
function readToken(file: string): string | undefined {
  const status = statSync(file, { throwIfNoEntry: false });
  if (status === undefined || (status.mode & 0o077) !== 0) return undefined;
  const text = readFileSync(file, "utf8").trim();
  return TOKEN.test(text) ? text : undefined;
}

function makeToken(file: string): string {
  const token = randomBytes(32).toString("base64url");
  const temporary = `${file}.${randomBytes(4).toString("hex")}${PARTIAL_SUFFIX}`;
  // The mode is set on creation, so that nobody else can read the file even for a moment.
  const descriptor = openSync(temporary, "wx", OWNER_ONLY);
  try {
    writeSync(descriptor, `${token}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  chmodSync(temporary, OWNER_ONLY);
  renameSync(temporary, file);
  syncDirectory(dirname(file));
  return token;
}

/** Whether `given` is the token. Takes constant time, so that timing does not reveal how much of it was right. */
export function isToken(given: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
