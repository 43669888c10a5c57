// Turns a complaint of yargs about a command line into one line that says what to type instead.
import { nearest } from "../failure/nearest.ts";

export interface Usage {
  /** The words as typed. */
  readonly words: readonly string[];
  /** The command among them; undefined if there is no command of this name. */
  readonly command: string | undefined;
  /** Existing names: of commands, or of subcommands (phorest config check). */
  readonly commands: readonly string[];
  readonly subcommands: readonly string[];
  /** Names of the options that the command takes. */
  readonly options: readonly string[];
  /** The help of the command, with unwrapped lines. */
  help(): string;
}

const UNKNOWN = /^Unknown (?:arguments?|commands?): (.*)$/s;
const MISSING = /^Missing required arguments?: (.*)$/s;
const NO_VALUE = /^Not enough arguments following: (.*)$/s;
const IMPLIED = /^Implications failed:\s*(\S+) -> (\S+)/s;
const TOO_FEW = /^Not enough non-option arguments: got (\d+), need at least (\d+)/;
const CHOICE = /Argument: ([^,]+), Given: (.+?), Choices: (.*?)$/m;

/** Returns the line. `complaint`: the message of yargs. */
export function usageLine(complaint: string, usage: Usage): string {
  const line = what(complaint, usage);
  const help = ["phorest", ...(usage.command === undefined ? [] : [usage.command]), "--help"].join(" ");
  return line.includes("--help") ? line : `${line} (${help})`;
}

function what(complaint: string, usage: Usage): string {
  const unknown = UNKNOWN.exec(complaint)?.[1]?.split(", ")[0];
  if (unknown !== undefined) return unknownText(unknown, usage);
  const missing = MISSING.exec(complaint)?.[1];
  if (missing !== undefined) {
    // yargs complains about a mistyped command name only second.
    const mistyped = mistypedOption(usage);
    return mistyped === undefined
      ? `${optionNames(missing)} is missing${exampleIn(usage.help())}`
      : unknownText(mistyped, usage);
  }
  const [, given = "", needed = ""] = TOO_FEW.exec(complaint) ?? [];
  if (needed !== "") return missingArgument(Number(given), usage.help());
  const valueless = NO_VALUE.exec(complaint)?.[1];
  if (valueless !== undefined) return `${optionNames(valueless)} needs a value`;
  const [, implying = "", implied = ""] = IMPLIED.exec(complaint) ?? [];
  if (implied !== "") return `--${implying} needs --${implied}`;
  const [, option = "", value = "", choices = ""] = CHOICE.exec(complaint) ?? [];
  if (option !== "")
    return choiceText(
      usage.words.some((word) => word.startsWith(`--${option}`)) ? `--${option}` : `<${option}>`,
      value,
      choices.replaceAll('"', ""),
    );
  return complaint.replace(/\s*\n\s*/g, " ");
}

/** Names the first missing argument, and shows a command line that has it. */
function missingArgument(given: number, help: string): string {
  const [command = ""] = help.split("\n", 1);
  const [, name = "argument"] = [...command.matchAll(/<([^>.]+)(?:\.\.)?>/g)][given] ?? [];
  const [, describe = ""] = new RegExp(`^ +${name} {2,}(.*?) *(?:\\[|$)`, "m").exec(help) ?? [];
  const meaning = describe === "" ? "" : ` (${describe})`;
  return `<${name}>${meaning} is missing${exampleIn(help)}`;
}

/** Returns the first example of a help text. */
function exampleIn(help: string): string {
  const [, example] = /^Examples:\n +(\S.*?)(?: {2,}|$)/m.exec(help) ?? [];
  return example === undefined ? "" : `, for example: ${example}`;
}

function mistypedOption({ words, options }: Usage): string | undefined {
  const typed = words.map((word) => /^--(?:no-)?([^=]+)/.exec(word)?.[1]);
  return typed.find((name) => name !== undefined && !options.includes(name));
}

function unknownText(unknown: string, { words, command, commands, subcommands, options }: Usage): string {
  if (words.includes(unknown)) {
    if (command === undefined) return `there is no command "${unknown}"${meant(nearest(unknown, commands))}`;
    const near = nearest(unknown, subcommands);
    return `unexpected argument "${unknown}"${meant(near === undefined ? undefined : `${command} ${near}`)}`;
  }
  const dashes = unknown.length === 1 ? "-" : "--";
  // yargs also knows the names in camel case.
  const known = options.filter((name) => name.length > 1 && !/[A-Z]/.test(name) && name !== unknown);
  const near = unknown.length === 1 ? undefined : nearest(unknown, known);
  return `there is no option ${dashes}${unknown}${meant(near === undefined ? undefined : `--${near}`)}`;
}

function choiceText(option: string, given: string, choices: string): string {
  const value = given.replaceAll('"', "");
  const near = nearest(value, choices.split(", "));
  return `${option} ${value}: choose from ${choices}${meant(near)}`;
}

const meant = (near: string | undefined): string => (near === undefined ? "" : `; did you mean ${near}?`);

const optionNames = (names: string): string =>
  names
    .split(", ")
    .map((name) => `--${name}`)
    .join(" and ");
