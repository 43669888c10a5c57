// Reads files that users provide. Size and nesting are limited before they are parsed, so that a wrong file causes a one-line
// error and does not exhaust the memory or the stack of the process.
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { Failure, type FailureCode } from "../failure/failure.ts";
import { quoted } from "../failure/quote.ts";
import { megabytes } from "./byte-size.ts";

/** The kind of a file, and how it is refused. */
export interface GivenKind {
  /** What the file should be, for messages: "an ROI manifest". */
  readonly what: string;
  readonly code: FailureCode;
  readonly mostBytes: number;
  readonly hint: string;
}

/** The files that we read are nested at most five levels deep; anything deeper than this is something else. */
export const DEEPEST_NESTING = 32;
const CHUNK_BYTES = 1 << 20;

/**
 * Returns the bytes of a file, no more than allowed, even from a device or a pipe that never ends. Throws a Failure with the
 * kind's code for a larger one; throws errors of the file system.
 */
export function readGivenFile(path: string, { what, code, mostBytes, hint }: GivenKind): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const tooLarge = (bytes: string) =>
      new Failure(code, `${path}: too large for ${what}: ${bytes}; the limit is ${sizeText(mostBytes)}`, {
        hint,
      });
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw new Failure(code, `${path}: a directory, not ${what}`, { hint });
    const { size } = stats;
    if (size > mostBytes) throw tooLarge(sizeText(size));
    const parts: Buffer[] = [];
    for (let total = 0; ; ) {
      const part = Buffer.alloc(Math.max(1, Math.min(CHUNK_BYTES, mostBytes + 1 - total)));
      const read = readSync(descriptor, part);
      if (read === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, read));
      total += read;
      if (total > mostBytes) throw tooLarge("it does not end");
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Parses a JSON text. Throws a Failure with the kind's code if it is not JSON, is nested too deeply, or contains a key twice. */
export function parseGivenJson(text: string, where: string, { what, code, mostBytes, hint }: GivenKind): unknown {
  if (text.length > mostBytes) {
    throw new Failure(code, `${where}: too large for ${what}: ${sizeText(text.length)}`, { hint });
  }
  const plain = text.replace(/^\uFEFF/, "");
  const { depth, twice } = scanJson(plain);
  if (depth > DEEPEST_NESTING) {
    throw new Failure(code, `${where}: nested more than ${DEEPEST_NESTING} levels deep; this is not ${what}`, { hint });
  }
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(code, `${where}: not JSON: ${reason}`, { hint, cause: error });
  }
  if (twice !== undefined) {
    throw new Failure(code, `${where}: ${quoted(twice)} appears twice`, { hint: "give each entry its own name" });
  }
  return value;
}

/** Returns how deep the values of a parsed file are nested; stops counting just above `most`. */
export function depthOf(value: unknown, most = DEEPEST_NESTING): number {
  let level: unknown[] = [value];
  for (let depth = 0; ; depth += 1) {
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
    if (level.length === 0 || depth > most) return depth;
  }
}

/** A line of a file; its text is undefined if it is longer than allowed. */
export interface GivenLine {
  readonly line: Buffer | undefined;
  /** Whether a line feed follows. */
  readonly terminated: boolean;
}

const LINE_FEED = 10;

/** Yields the lines of a file without their line feeds, one in memory at a time; skips one that is longer than `mostBytes`. */
export function givenLines(path: string, mostBytes: number): AsyncGenerator<GivenLine> {
  return linesOf(createReadStream(path, { highWaterMark: CHUNK_BYTES }), mostBytes);
}

/** Does the same for bytes from elsewhere, such as a file that is being decompressed. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<GivenLine> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes <= mostBytes) pieces.push(piece);
    else pieces = [];
  };
  const take = (terminated: boolean): GivenLine => {
    const line = bytes <= mostBytes ? Buffer.concat(pieces) : undefined;
    pieces = [];
    bytes = 0;
    return { line, terminated };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, end));
      yield take(true);
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  if (bytes > 0) yield take(false);
}

interface JsonShape {
  readonly depth: number;
  /** A key of the outermost object that occurs more than once: JSON.parse would silently keep the last. */
  readonly twice: string | undefined;
}

const codeOf = (character: string): number => character.charCodeAt(0);
const [QUOTE, BACKSLASH] = [codeOf('"'), codeOf("\\")] as const;
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [codeOf("{"), codeOf("}"), codeOf("["), codeOf("]")] as const;

/** Scans the text once, without recursion; does not check whether it is JSON. */
function scanJson(text: string): JsonShape {
  const keys = new Set<string>();
  let twice: string | undefined;
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length && deepest <= DEEPEST_NESTING; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BRACE || code === BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === BRACE_END || code === BRACKET_END) depth -= 1;
    else if (code === QUOTE) {
      const start = at;
      at = endOfText(text, at);
      if (depth !== 1 || !isKey(text, at)) continue;
      const key = textOf(text.slice(start, at + 1));
      if (keys.has(key)) twice ??= key;
      keys.add(key);
    }
  }
  return { depth: deepest, twice };
}

/** Returns the index of the closing quote of the string that begins at `start`. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Whether a colon follows the string that ends at `end`. */
function isKey(text: string, end: number): boolean {
  let next = end + 1;
  while (" \t\r\n".includes(text.charAt(next)) && next < text.length) next += 1;
  return text.charAt(next) === ":";
}

/** Returns the text of a key, with escapes such as `\u0061` decoded. */
function textOf(key: string): string {
  if (!key.includes("\\")) return key.slice(1, -1);
  try {
    return String(JSON.parse(key));
  } catch (error) {
    if (error instanceof SyntaxError) return key;
    throw error;
  }
}

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : megabytes(bytes, bytes < 1e7 ? 1 : 0);
}
