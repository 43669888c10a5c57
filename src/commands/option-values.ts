// What holds for the options of every command: one that takes one value is given once, and one that takes a number has one.

import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";

/** Names of options by their kind, as yargs keeps them. */
interface Kinds {
  /** Those that may be given more than once. */
  readonly array: readonly string[];
  readonly number: readonly string[];
  /** All names. */
  readonly key: Readonly<Record<string, unknown>>;
}

/**
 * Checks the options of a command line. `parser`: yargs' own, `words`: as they were typed. Throws Failure `usage.invalid` that names
 * the option and what was given.
 */
export function checkOptionValues(
  argv: Readonly<Record<string, unknown>>,
  parser: object,
  words: readonly string[],
): void {
  const { array, number, key } = kindsOf(parser);
  const typedOptions = optionsIn(words, key);
  // yargs makes a list of some values that are given twice, adds up others and takes the last of a third kind: the words tell.
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
    throw new Failure("usage.invalid", `<${option}> needs a number`);
  }
}

interface TypedOption {
  /** Without dashes in front; of a switch that is turned off without "no-". */
  readonly name: string;
  readonly value: string;
}

/** The options among the words, in their order; "--" ends them. */
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

/** yargs also takes each name in camel case. */
const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The first text given for an option that is no number. */
function typed(option: string, given: readonly TypedOption[]): string {
  const texts = given.flatMap(({ name, value }) => (name === option ? [value] : []));
  return texts.find((text) => !Number.isFinite(Number(text))) ?? texts[0] ?? "";
}

/** yargs has the kinds, but its types do not say so. */
function kindsOf(parser: object): Kinds {
  const getOptions: unknown = Reflect.get(parser, "getOptions");
  if (typeof getOptions !== "function") throw new TypeError("yargs has no getOptions");
  return getOptions.call(parser) as Kinds;
}
