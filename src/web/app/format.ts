// Formats numbers and messages for display.

export function bytes(count: number): string {
  if (count >= 1e12) return `${(count / 1e12).toFixed(2)} TB`;
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return `${Math.round(count / 1e6)} MB`;
}

/** Converts a message to a sentence; a file name or a command at its start does not change. */
export function sentence(message: string): string {
  return /^(?!phorest)[a-z]+ /.test(message) ? `${message.charAt(0).toUpperCase()}${message.slice(1)}` : message;
}

/** Formats a number with a minus sign (U+2212) instead of a hyphen, and none before a zero. */
export function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  if (!text.startsWith("-")) return text;
  return Number(text) === 0 ? text.slice(1) : `\u2212${text.slice(1)}`;
}

/** Does the same; returns a dash if there is no value. */
export function number(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? "–" : fixed(value, digits);
}

/** Maximum number of decimals of a value with an error. */
const MOST_DIGITS = 10;

/** Returns the number of decimals that gives an error two significant digits; `otherwise` without an error. */
function digitsFor(error: number | null | undefined, otherwise = 3): number {
  if (error === null || error === undefined || !(error > 0) || !Number.isFinite(error)) return otherwise;
  return Math.min(MOST_DIGITS, Math.max(0, 1 - Math.floor(Math.log10(error))));
}

/** Returns a value with its standard error, to the digits that the error allows. */
export function withError(value: number | null | undefined, error: number | null | undefined, otherwise = 3): string {
  const digits = digitsFor(error, otherwise);
  if (value === null || value === undefined || error === null || error === undefined) return number(value, digits);
  return `${fixed(value, digits)} ± ${fixed(error, digits)}`;
}

/** Explains the two errors of a curve, in the words of the command line and the report. */
export const TWO_ERRORS =
  "The standard error of a position comes from its fit in one image and includes what stays the same in all of them, such as the speckle of the grating." +
  " Noise is what moves from frame to frame: judge shifts and the limit of detection by it.";

/** Parses a typed number, with a hyphen or a minus sign, a point or a comma; undefined if it is not a number. */
export function typedNumber(text: string): number | undefined {
  const plain = text.trim().replace("\u2212", "-").replace(",", ".");
  return plain === "" || !Number.isFinite(Number(plain)) ? undefined : Number(plain);
}

export function percent(share: number): string {
  return share === 0 ? "0 %" : share < 0.001 ? "less than 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
