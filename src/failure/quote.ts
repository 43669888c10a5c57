// Quotes input in messages: short, on one line, and without characters that control a terminal.

/** Longest quoted value, characters. */
const LONGEST_VALUE = 80;
/** Deeper levels of a value are shown as `…`. */
const DEEPEST = 4;
/** Longest line of a message, and the parts of a longer one that are kept. */
const LONGEST_LINE = 1200;
const HEAD = 700;
const TAIL = 300;
/** Most lines of one message. */
const MOST_LINES = 25;

/** Control characters, invisible characters that reverse, join or break text, and unassigned ones. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;

/** Returns the text with everything unprintable escaped, as `\x1b` or `\u202e`. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    const digits = code.toString(16).padStart(4, "0");
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits}`;
  });
}

/** Returns a value as it would be in a file, shortened; `nothing` for undefined. Safe for values of any depth and size. */
export function quoted(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = printable(jsonLike(value, DEEPEST));
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 3)}...`;
}

/** Returns a word for a command that people paste into a shell; quoted if the shell would change it otherwise. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns the beginning of a text, unquoted. */
export function excerpt(text: string): string {
  const shown = printable(text.slice(0, LONGEST_VALUE + 1));
  return text.length <= LONGEST_VALUE ? shown : `${shown.slice(0, LONGEST_VALUE - 3)}...`;
}

/** Limits a message with quoted text to a readable length: each line is cut in the middle, and only the first lines are kept. */
export function readable(message: string): string {
  const lines = message.split("\n", MOST_LINES + 1).map(cutLine);
  if (lines.length <= MOST_LINES) return lines.join("\n");
  return [...lines.slice(0, MOST_LINES), "... and more"].join("\n");
}

function cutLine(line: string): string {
  if (line.length <= LONGEST_LINE) return printable(line);
  const left = line.length - HEAD - TAIL;
  return `${printable(line.slice(0, HEAD))} ... (${left} characters left out) ... ${printable(line.slice(-TAIL))}`;
}

/** Like JSON.stringify, but also for numbers that JSON does not have, and only as deep as a quotation needs. */
function jsonLike(value: unknown, levels: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, LONGEST_VALUE + 1));
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (levels === 0) return `${open}…${close}`;
  const parts: string[] = [];
  let length = 0;
  for (const [key, entry] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    if (length > LONGEST_VALUE) break;
    const name = typeof key === "number" ? "" : `${JSON.stringify(key.slice(0, LONGEST_VALUE + 1))}:`;
    const part = `${name}${jsonLike(entry, levels - 1)}`;
    parts.push(part);
    length += part.length + 1;
  }
  return `${open}${parts.join(",")}${close}`;
}
