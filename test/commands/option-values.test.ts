// A rule of all commands: an option that takes one value is given once, and one that takes a number has one. The table is the help
// of the commands themselves.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addCommands, helpTexts, newParser } from "../../src/commands/parser.ts";
import { encodeFailure } from "../../src/failure/failure.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Option {
  readonly name: string;
  readonly type: string;
}

/** The options in a help: "--name   what it is [type]", over several lines. */
function optionsIn(help: string): Option[] {
  const [, options = ""] = help.split("Options:\n");
  return [...(options.split("\n\n", 1)[0]?.matchAll(/^ {2,6}--([a-z][a-z-]*) (.*(?:\n {7,}.*)*)/gm) ?? [])].map(
    ([, name = "", text = ""]) => ({
      name,
      type: text.includes("[array]") ? "array" : (/\[(string|number|boolean)\]/.exec(text)?.[1] ?? "string"),
    }),
  );
}

/** The line that a command line ends with before its command does anything; undefined: it would begin. */
async function refusal(words: readonly string[]): Promise<string | undefined> {
  const parser = newParser(words);
  await addCommands(parser, words);
  try {
    await parser.parseAsync();
  } catch (error) {
    const { code, message } = encodeFailure(error);
    return `${code}: ${message}`;
  }
  return undefined;
}

/** The command with as many words behind it as it demands. */
const demanded = (command: string, help: string): string[] => [
  command,
  ...[...(help.split("\n", 1)[0] ?? "").matchAll(/<[^>]+>/g)].map(() => "x"),
];

const { commands } = await helpTexts();
const table = commands
  .flatMap(([command, help]) =>
    optionsIn(help).map((option) => ({ command, typed: demanded(command, help), ...option })),
  )
  .filter(({ name }) => name !== "help" && name !== "version");

test("the table has the options of all commands", () => {
  expect(new Set(table.map(({ command }) => command)).size).toBe(commands.length);
  expect(table.filter(({ type }) => type === "number").length).toBeGreaterThan(20);
  expect(table).toContainEqual({ command: "analyse", typed: ["analyse", "x"], name: "z", type: "number" });
});

/** A list of numbers: its help names only the numbers. */
const LIST = "injection";
const single = table.filter(({ type, name }) => type !== "array" && name !== LIST);
test("no option with one value is given twice", async () => {
  for (const { command, typed, name, type } of single) {
    const value = type === "number" ? "1" : "a";
    const words = type === "boolean" ? [`--${name}`, `--no-${name}`] : [`--${name}=${value}`, `--${name}`, value];
    expect(await refusal([...typed, ...words]), `${command} --${name}`).toBe(`usage.invalid: --${name} is given twice`);
  }
});

test("every option with a number needs a number, and the message has what was given", async () => {
  for (const { command, typed, name } of table.filter(({ type }) => type === "number")) {
    for (const words of [[`--${name}`, "12x"], [`--${name}=12x`]]) {
      const line = `usage.invalid: --${name} needs a number, not "12x"`;
      expect(await refusal([...typed, ...words]), `${command} --${name}`).toBe(line);
    }
  }
});

test("a number that an option refuses is in the message", async () => {
  const config = join(temporaryDirectory(), "config.toml");
  writeFileSync(config, "no TOML");
  const refused: string[] = [];
  for (const { command, typed, name } of table.filter(({ type }) => type === "number")) {
    // Where the option takes any number, the command ends with its configuration, which is none.
    const line = await refusal([...typed, `--${name}=-7.25`, "--config", config]);
    if (line?.startsWith(`usage.invalid: --${name} needs`) !== true) continue;
    expect(line, command).toMatch(/ not "-7\.25"$/);
    refused.push(`${command} --${name}`);
  }
  expect(refused.length, refused.join()).toBeGreaterThan(6);
});

test("an argument that is no number is in the message", async () => {
  for (const words of [
    ["injections", "edit", "first"],
    ["injections", "history", "--tz", "UTC", "first"],
    ["markers", "remove", "1", "first"],
    ["markers", "edit", "--text=dye", "first"],
  ])
    expect(await refusal(words), words.join(" ")).toMatch(/^usage\.invalid: <ids?> needs a number, not "first"$/);
});
