// Input as it is quoted in messages: short, on one line, and without characters that command a terminal.

/** Longest quotation of a value, characters. */
const LONGEST_VALUE = 80;
/** Deeper levels of a value are shown as `…`. */
const DEEPEST = 4;
/** Longest line of a message, and the parts of a longer one that are kept. */
const LONGEST_LINE = 1200;
const HEAD = 700;
const TAIL = 300;
/** Most lines of one message. */
const MOST_LINES = 25;

/** Control characters, invisible marks that reverse or break text, and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The text with everything that is not printable as `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}

/** A value as it would stand in a file, shortened; `nothing` for undefined. Safe for values of any depth and size. */
export function quoted(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = printable(jsonLike(value, DEEPEST));
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 3)}...`;
}

/** The beginning of a text, as it stands there. */
export function excerpt(text: string): string {
  const shown = printable(text.slice(0, LONGEST_VALUE + 1));
  return text.length <= LONGEST_VALUE ? shown : `${shown.slice(0, LONGEST_VALUE - 3)}...`;
}

/** A message of readable length: whatever was quoted in it, each line is cut in the middle, and so many lines are kept. */
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

/** As JSON.stringify, but for numbers that JSON has not, and no further than a quotation needs. */
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
