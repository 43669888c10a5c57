// Reads the members of a large JSON object one by one. Micro-Manager's metadata.txt grows to hundreds of megabytes and is cut
// off if the program crashed. Reads bytes in pieces and holds one member at a time.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Longer members are skipped; those of Micro-Manager have a few kilobytes. */
const LARGEST_MEMBER = 16 * 1024 * 1024;

export interface Member {
  readonly key: string;
  /** Bytes of the JSON text of an object or a list. */
  readonly value: Buffer;
}

/** Splits the text of one JSON object into its members. Skips members whose value is neither an object nor a list. */
export class JsonMembers {
  #kept: Buffer = Buffer.alloc(0);
  /** Position of the next byte, in what is kept. */
  #at = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #stringAt = -1;
  #key: string | undefined;
  #valueFollows = false;
  #valueAt = -1;
  /** Number of members that were too long. */
  tooLong = 0;
  /** Whether the text begins like an object; undefined before its first character. */
  isObject: boolean | undefined;

  /** Whether the last member is incomplete. */
  get torn(): boolean {
    return this.#valueAt >= 0 || this.#inString;
  }

  /** Returns the members that end in the next piece of the file. They share its memory. */
  *feed(piece: Buffer): Generator<Member> {
    this.isObject ??= beginOf(piece);
    if (this.isObject !== true) return;
    const bytes = this.#kept.length === 0 ? piece : Buffer.concat([this.#kept, piece]);
    let at = this.#at;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (this.#inString) {
        this.#string(bytes, at, byte);
      } else if (byte === QUOTE) {
        this.#inString = true;
        if (this.#depth === 1) this.#stringAt = at;
      } else if (byte === COLON) {
        if (this.#depth === 1) this.#valueFollows = this.#key !== undefined;
      } else if (byte === OPEN || byte === OPEN_LIST) {
        if (this.#depth === 1 && this.#valueFollows) this.#valueAt = at;
        this.#depth++;
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        // Text after the end of the object is read as part of it: Micro-Manager sometimes closes the object too early.
        this.#depth = Math.max(1, this.#depth - 1);
        if (this.#depth === 1 && this.#valueAt >= 0) {
          yield { key: this.#key ?? "", value: bytes.subarray(this.#valueAt, at + 1) };
          this.#forget();
        }
      }
    }
    this.#keep(bytes, at);
  }

  #string(bytes: Buffer, at: number, byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#depth !== 1 || this.#stringAt < 0) return;
      this.#key = textOf(bytes.subarray(this.#stringAt + 1, at));
      this.#valueFollows = false;
      this.#stringAt = -1;
    }
  }

  #forget(): void {
    this.#key = undefined;
    this.#valueFollows = false;
    this.#valueAt = -1;
  }

  /** Keeps the bytes of an incomplete member. */
  #keep(bytes: Buffer, at: number): void {
    const began = [this.#stringAt, this.#valueAt].filter((start) => start >= 0);
    const from = Math.min(at, ...began);
    if (at - from > LARGEST_MEMBER) {
      this.tooLong++;
      this.#forget();
      this.#stringAt = -1;
      this.#kept = Buffer.alloc(0);
      this.#at = 0;
      return;
    }
    // A copy: a slice would hold the memory of the whole piece.
    this.#kept = Buffer.from(bytes.subarray(from, at));
    this.#at = at - from;
    if (this.#stringAt >= 0) this.#stringAt -= from;
    if (this.#valueAt >= 0) this.#valueAt -= from;
  }
}

/** Whether the first character is the opening brace of an object; undefined if there is none. */
function beginOf(piece: Buffer): boolean | undefined {
  const begin = piece
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  return begin === "" ? undefined : begin.startsWith("{");
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Decodes UTF-8, or Latin-1, which Java writes on Windows. */
export function textOf(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return bytes.toString("latin1");
    throw error;
  }
}

/** Parses a JSON object; undefined if the text is not one. NaN and infinities, which Java writes, become null. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parsed(text) ?? parsed(text.replace(/([:[,]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, "$1null"));
  return isObject(value) ? value : undefined;
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
