// Rules for the options of every command: an option with one value is given once, and a number option has a number.

import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";

/** Names of options by their kind, as yargs stores them. */
interface Kinds {
  /** Options that may be given more than once. */
  readonly array: readonly string[];
  readonly number: readonly string[];
  readonly boolean: readonly string[];
  /** All names. */
  readonly key: Readonly<Record<string, unknown>>;
}

/**
 * Checks the options of a command line. `parser`: the yargs parser, `words`: the words as typed. Throws Failure `usage.invalid`,
 * which names the option and its value.
 */
export function checkOptionValues(
  argv: Readonly<Record<string, unknown>>,
  parser: object,
  words: readonly string[],
): void {
  const kinds = kindsOf(parser);
  const { array, number, key } = kinds;
  const typedOptions = optionsIn(words, key);
  // For a repeated option, yargs makes a list, adds the values up, or takes the last one, depending on its kind. So the words are
  // checked.
  const seen = new Set<string>();
  for (const { name } of typedOptions) {
    if (seen.has(name) && name in key && !array.includes(name)) {
      throw new Failure("usage.invalid", `--${name} is given twice`, { hint: "give it once" });
    }
    seen.add(name);
  }
  for (const name of number) {
    const values = [argv[name]].flat().filter((value) => typeof value === "number");
    if (values.every(Number.isFinite)) continue;
    const option = dashed(name);
    if (typedOptions.some((one) => one.name === option))
      throw wrongOption(`--${option}`, "a number", typed(option, typedOptions));
    throw wrongOption(`<${option}>`, "a number", argument(words, kinds, wordsOf(argv)));
  }
}

interface TypedOption {
  /** Without leading dashes; for a switch that is turned off, without "no-". */
  readonly name: string;
  readonly value: string;
}

/** Returns the options among the words, in order; "--" ends them. */
function optionsIn(words: readonly string[], known: Kinds["key"]): TypedOption[] {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  return own.flatMap((word, at) => {
    const [, text, value] = /^--?([a-z][^=]*)(?:=(.*))?$/is.exec(word) ?? [];
    if (text === undefined) return [];
    const name = dashed(text);
    return [{ name: name in known ? name : name.replace(/^no-/, ""), value: value ?? own[at + 1] ?? "" }];
  });
}

/** How many words name the command: those that are no arguments. */
const wordsOf = ({ _ }: Readonly<Record<string, unknown>>): number => (Array.isArray(_) ? _.length : 0);

/** The first argument that is no number: no word of the command, no option, and no value of one. */
function argument(words: readonly string[], { boolean, key }: Kinds, command: number): string {
  const isOption = (word: string | undefined) => word !== undefined && /^--?[a-z]/i.test(word);
  const takesNext = (word: string | undefined) =>
    isOption(word) && word?.includes("=") === false && !boolean.includes(optionsIn([word], key)[0]?.name ?? "");
  const given = words.filter((word, at) => word !== "--" && !isOption(word) && !takesNext(words[at - 1]));
  return given.slice(command).find((word) => !Number.isFinite(Number(word))) ?? "";
}

/** yargs also takes each name in camel case. */
const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Returns the first text given for an option that is not a number. */
function typed(option: string, given: readonly TypedOption[]): string {
  const texts = given.flatMap(({ name, value }) => (name === option ? [value] : []));
  return texts.find((text) => !Number.isFinite(Number(text))) ?? texts[0] ?? "";
}

/** yargs has the kinds, but its types do not declare them. */
function kindsOf(parser: object): Kinds {
  const getOptions: unknown = Reflect.get(parser, "getOptions");
  if (typeof getOptions !== "function") throw new TypeError("yargs has no getOptions");
  return getOptions.call(parser) as Kinds;
}
