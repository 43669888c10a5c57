// What a label of an ROI, a grating or a printed mark may be, and what a person may write next to it. Labels come from files and
// people, and go to the terminal, to CSV files, to the page and into names of files.
import { quoted } from "../failure/quote.ts";

/** Characters; the longest of our chips has nine. */
const LONGEST_LABEL = 100;
/** Control characters, marks without a shape that reverse, join or break text, halves of characters, characters without a meaning. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
/** The same, and all that is drawn as nothing: two labels that look alike must be the same. */
const UNSEEN_IN_LABEL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** Everything that leaves no ink; the last is Braille's blank. */
const BLANK = /^[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
/** What labels had to be before: no line breaks and no control characters. */
const UNREADABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** Why a text cannot be a label that is given now; undefined for one that can. */
export function labelProblem(label: unknown): string | undefined {
  return lengthProblem(label) ?? unseenProblem(String(label), UNSEEN_IN_LABEL, "a name");
}

/** Why a label that this or an earlier version has recorded cannot be read. They keep the rule under which they were taken. */
export function keptLabelProblem(label: unknown): string | undefined {
  const problem = lengthProblem(label);
  if (problem !== undefined || !UNREADABLE.test(String(label))) return problem;
  return `a name must not contain line breaks or control characters, got ${quoted(label)}`;
}

/** Whether a text can be a label that is given now. */
export const isLabel = (label: unknown): label is string => labelProblem(label) === undefined;

/** Whether a text can be a recorded label. */
export const isKeptLabel = (label: unknown): label is string => keptLabelProblem(label) === undefined;

/** What a schema says of a text that is no label. */
export const LABEL_RULE = `expected a name of at most ${LONGEST_LABEL} characters on one line, without invisible characters`;

/** Why people would not see what a text says, as they wrote it for others to read; undefined where they would. */
export const textProblem = (text: string): string | undefined => unseenProblem(text, UNSEEN, "a text");

/** The text without characters that cannot be seen. */
export const withoutUnseen = (text: string): string => text.replace(new RegExp(UNSEEN, "gu"), "");

function lengthProblem(label: unknown): string | undefined {
  if (typeof label !== "string" || label === "") return `expected a name, got ${quoted(label)}`;
  if (label.length > LONGEST_LABEL)
    return `a name has at most ${LONGEST_LABEL} characters, this one has ${label.length}`;
  return undefined;
}

function unseenProblem(text: string, unseen: RegExp, what: string): string | undefined {
  const [character] = unseen.exec(text) ?? [];
  if (character !== undefined) {
    return `${what} must not contain control characters, line breaks or invisible characters, got ${codeOf(character)} in ${quoted(text)}`;
  }
  return BLANK.test(text) ? `${what} must contain visible characters, got ${quoted(text)}` : undefined;
}

function codeOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `U+${code}`;
}
