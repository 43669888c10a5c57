// The option --pairs: one curve per grating, in the configured or a named form.
import { PAIR_FORMS, type PairForm } from "../assay/curve-units.ts";
import { wrongOption } from "../evaluation/time-options.ts";

/** `true`: in the form of Analysis.pair_form. */
export type Pairs = boolean | PairForm;

/** Parses `--pairs`, `--no-pairs`, `--pairs sum`. Throws Failure `usage.invalid` for any other word. */
export function pairsOf(given: unknown): Pairs {
  if (given === false) return false;
  if (given === true || given === "") return true;
  const form = PAIR_FORMS.find((known) => known === String(given).toLowerCase());
  if (form !== undefined) return form;
  // yargs takes the word after an option as its value, whatever was meant.
  throw wrongOption("--pairs", "half or sum, or nothing at the end of the command", String(given));
}

/** Text for the help. */
export const PAIRS_WORDS =
  "One curve per grating, from both halves: half their sum (--pairs half) or their sum (--pairs sum); default: Analysis.pair_form";

/**
 * Returns the words of a command line such that yargs does not take a directory after `--pairs` as its value, as in
 * `compare --pairs A B`.
 */
export function pairsApart(words: readonly string[]): string[] {
  return words.map((word, at) => {
    const next = words[at + 1];
    const isForm = PAIR_FORMS.some((form) => form === next?.toLowerCase());
    return word === "--pairs" && !isForm ? "--pairs=" : word;
  });
}
