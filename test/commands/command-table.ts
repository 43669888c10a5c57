// All commands with their options and arguments, read from their own help, for tests of what holds for every one of them.
import { expect, vi } from "vitest";
import { AlreadyReported, addCommands, helpTexts, longNames, newParser } from "../../src/commands/parser.ts";
import { forTerminal } from "../../src/commands/shown-zone.ts";
import { failureLine } from "../../src/failure/failure.ts";

interface Option {
  readonly name: string;
  readonly type: string;
  readonly choices: boolean;
  /** It must be given. */
  readonly required: boolean;
  /** One that it can have. */
  readonly value: string;
}

/** A command, or one of the things that a command does: `markers add`. */
export interface Leaf {
  readonly words: readonly string[];
  /** The arguments that must be given: their names, and a value that they can have. */
  readonly demanded: readonly { readonly name: string; readonly value: string }[];
  readonly options: readonly Option[];
  readonly help: string;
}

/** Every command that does something, once. */
export async function allCommands(): Promise<readonly Leaf[]> {
  const { commands } = await helpTexts();
  const leaves: Leaf[] = [];
  for (const [name, help] of commands) {
    const subcommands = [...help.matchAll(new RegExp(`^  phorest ${name} ([a-z]+)`, "gm"))].map(([, sub = ""]) => sub);
    const isGroup = /^Commands:$/m.test(help);
    if (!isGroup) leaves.push(leafOf([name], help));
    else for (const sub of new Set(subcommands)) leaves.push(leafOf([name, sub], await helpOf([name, sub])));
  }
  return leaves;
}

async function helpOf(words: readonly string[]): Promise<string> {
  const parser = newParser(words);
  await addCommands(parser, words);
  return longNames(await parser.wrap(80).getHelp());
}

function leafOf(words: readonly string[], help: string): Leaf {
  const [usage = ""] = help.split("\n\n", 1);
  const demanded = [...usage.matchAll(/<([^>.]+)(?:\.\.)?>/g)].map(([, name = ""]) => {
    const [, choice = "1"] =
      new RegExp(`^  ${name} [^]*?\\[(?:choices: "([^"]+)"|string|number|array)`, "m").exec(help) ?? [];
    return { name, value: choice };
  });
  return { words, demanded, options: optionsIn(help), help };
}

/** The options in a help: "--name   what it is [type]", over several lines. */
function optionsIn(help: string): Option[] {
  return [...help.matchAll(/^ {2,6}--([a-z][a-z-]*) (.*(?:\n {7,}.*)*)/gm)].map(([, name = "", text = ""]) => ({
    name,
    type: text.includes("[array]") ? "array" : (/\[(string|number|boolean)\]/.exec(text)?.[1] ?? "string"),
    choices: text.includes("[choices:"),
    required: text.includes("[required]"),
    value: /\[choices: "([^"]+)"/.exec(text)?.[1] ?? "1",
  }));
}

/** What a command line leaves on the terminal, and the code it ends with, as src/cli.ts would say it. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined: it ended well. */
  readonly failure: unknown;
}

/** Runs a command line in this process. */
export async function runHere(words: readonly string[]): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((chunk: string | Uint8Array) => {
      said[stream] += chunk.toString();
      return true;
    }),
  );
  const before = process.exitCode;
  let failure: unknown;
  try {
    const parser = newParser(words);
    await addCommands(parser, words);
    await parser.parseAsync();
  } catch (thrown) {
    failure = thrown;
    if (!(thrown instanceof AlreadyReported)) said.stderr += `${forTerminal(failureLine(thrown))}\n`;
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
  return { ...said, failure };
}

/** The one line that a wrong command line is answered with. */
export async function refusal(words: readonly string[]): Promise<string> {
  const { stdout, stderr, failure } = await runHere(words);
  const lines = stderr.trimEnd().split("\n");
  expect(failure, words.join(" ")).toBeDefined();
  expect([stdout, lines.length], `${words.join(" ")}: ${stderr}`).toEqual(["", 1]);
  return lines[0] ?? "";
}
