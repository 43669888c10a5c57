// What a label of an ROI, a grating or a printed mark may be. Labels come from files, and go to the terminal, to CSV files, to
// the page and into names of files.
import { quoted } from "./quote.ts";

/** Characters; the longest of our chips has nine. */
export const LONGEST_LABEL = 100;
const UNUSABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** Why a text cannot be a label; undefined for one that can. */
export function labelProblem(label: unknown): string | undefined {
  if (typeof label !== "string" || label === "") return `expected a name, got ${quoted(label)}`;
  if (label.length > LONGEST_LABEL) return `a name has at most ${LONGEST_LABEL} characters, this one ${label.length}`;
  const unusable = UNUSABLE.test(label);
  return unusable ? `a name has no line breaks and no control characters, got ${quoted(label)}` : undefined;
}

/** Whether a text can be a label. */
export const isLabel = (label: unknown): label is string => labelProblem(label) === undefined;
