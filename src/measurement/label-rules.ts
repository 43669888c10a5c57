// Rules for labels of ROIs, gratings and printed marks, and for texts that users write next to them. Labels come from files and
// users, and go to the terminal, to CSV files, to the page and into file names.
import { quoted } from "../failure/quote.ts";

/** Maximum length, characters; the longest of our chips has nine. */
const LONGEST_LABEL = 100;
/** Control characters; invisible characters that reverse, join or break text; unpaired surrogates; private-use characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
/** The same, and everything else that is drawn as nothing: two labels that look alike must be the same. */
const UNSEEN_IN_LABEL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** Text without any visible character; the last one is Braille's blank. */
const BLANK = /^[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
/** What earlier versions refused in labels: line breaks and control characters. */
const UNREADABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** Returns why a text cannot be a new label; undefined if it can. */
export function labelProblem(label: unknown): string | undefined {
  return lengthProblem(label) ?? unseenProblem(String(label), UNSEEN_IN_LABEL, "a name");
}

/**
 * Returns why a label recorded by this or an earlier version cannot be read. Recorded labels keep the rule under which they
 * were accepted.
 */
export function keptLabelProblem(label: unknown): string | undefined {
  const problem = lengthProblem(label);
  if (problem !== undefined || !UNREADABLE.test(String(label))) return problem;
  return `a name must not contain line breaks or control characters, got ${quoted(label)}`;
}

/** Whether a text can be a new label. */
export const isLabel = (label: unknown): label is string => labelProblem(label) === undefined;

/** Whether a text can be a recorded label. */
export const isKeptLabel = (label: unknown): label is string => keptLabelProblem(label) === undefined;

/** Message of a schema for an invalid label. */
export const LABEL_RULE = `expected a name of at most ${LONGEST_LABEL} characters on one line, without invisible characters`;

/** Returns why others would not see what a text says; undefined if they would. */
export const textProblem = (text: string): string | undefined => unseenProblem(text, UNSEEN, "a text");

/** Returns the text without invisible characters. */
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
