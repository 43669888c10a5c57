// A rule of all commands: wrong use ends with one line that says what is wrong and how to do it, before anything is done.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { MAP_QUANTITIES, type MapQuantity } from "../../src/evaluation/maps.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { allCommands, type Leaf, refusal } from "./command-table.ts";

let commands: readonly Leaf[] = [];
beforeAll(async () => {
  commands = await allCommands();
});

/** With every argument that must be given, or the first of them, and every option that must be given but one. */
const given = ({ words, demanded, options }: Leaf, count = demanded.length, but?: string): string[] => [
  ...words,
  ...demanded.slice(0, count).map(({ value }) => value),
  ...options.flatMap(({ name, required, value }) => (required && name !== but ? [`--${name}`, value] : [])),
];

test("the table has all commands, and what each does", () => {
  const names = commands.map(({ words }) => words.join(" "));
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining(["run", "compare", "markers add", "injections propose", "config check"]),
  );
  expect(commands.filter(({ demanded }) => demanded.length > 0).length).toBeGreaterThan(12);
  expect(commands.flatMap(({ options }) => options.filter(({ choices }) => choices)).length).toBeGreaterThan(50);
});

test("an option that there is not is named", async () => {
  for (const leaf of commands)
    expect(await refusal([...given(leaf), "--qqqqqqqq"])).toMatch(/^there is no option --qqqqqqqq \(phorest /);
});

test("a value that is none of the choices is named with the choices", async () => {
  for (const leaf of commands) {
    for (const { name } of leaf.options.filter(({ choices }) => choices)) {
      const line = await refusal([...given(leaf, undefined, name), `--${name}`, "frobnicate"]);
      expect(line, leaf.words.join(" ")).toMatch(new RegExp(`^--${name} frobnicate: choose from \\S`));
    }
  }
});

test("a missing argument is named, with an example that has it", async () => {
  for (const leaf of commands) {
    for (const [at, { name }] of leaf.demanded.entries()) {
      const line = await refusal(given(leaf, at));
      const example = `, for example: phorest ${leaf.words.join(" ")} `;
      expect(line).toMatch(new RegExp(`^<${name}>.* is missing${example}\\S`));
    }
  }
});

test("a missing option that must be given is named, with an example that has it", async () => {
  const missing = commands.flatMap((leaf) =>
    leaf.options.flatMap(({ name, required }) => (required ? [{ leaf, name }] : [])),
  );
  expect(missing.length).toBeGreaterThan(1);
  for (const { leaf, name } of missing)
    expect(await refusal(given(leaf, undefined, name))).toMatch(
      new RegExp(`^--${name} is missing, for example: phorest .*--${name} `),
    );
});

test("the commands that choose a channel are known: page-options.test.ts says what they refuse", () => {
  const having = commands.filter(({ options }) => options.some(({ name }) => name === "channel"));
  expect(having.map(({ words }) => words.join(" ")).sort()).toEqual([
    ...["analyse", "calibrate", "check-rois"],
    // Of whole series and experiments, of which some files may lack the channel.
    ...["import", "run"],
  ]);
});

test("an argument that is no number is named", async () => {
  for (const words of ["markers edit", "markers remove", "injections edit", "injections remove", "injections history"])
    expect(await refusal([...words.split(" "), "first"]), words).toMatch(
      /^<ids?> needs a number|^\S+ is named by its number/,
    );
});

test("a configuration file that is not there is named", async () => {
  const directory = temporaryDirectory();
  for (const leaf of commands) {
    const line = await refusal([...given(leaf), "--config", join(directory, "missing.toml")]);
    expect(line, leaf.words.join(" ")).toMatch(/missing\.toml: no such file \(check the name\)$/);
  }
  expect(readdirSync(directory)).toEqual([]);
});

test("an option that the mapped quantity does not have is refused, and not ignored", async () => {
  const map = commands.find(({ words }) => words[0] === "map");
  const lines = map?.help.replaceAll(/\n {7,}/g, " ") ?? "";
  // "--delay  ka, kd, KD: as in kinetics [number]"
  const own = [...lines.matchAll(/^ +--([a-z-]+) +((?:[a-z-]+, )*[a-zKD-]+): .*?\[/gm)]
    .map(([, name = "", list = ""]) => ({ name, quantities: list.split(", ") }))
    .filter(({ quantities }) => quantities.every((one) => MAP_QUANTITIES.includes(one as MapQuantity)));
  expect(own.map(({ name }) => name).sort()).toEqual(
    ["at", "buffer-index", "delay", "injection", "model", "point", "solution", "window"].sort(),
  );
  // There is nothing to draw here: an option that belongs to the quantity is only followed by that.
  const nothing = /^no experiment in /;
  const config = ["--config", join(temporaryDirectory(), "config.toml")];
  writeFileSync(config[1] ?? "", "");
  for (const { name, quantities } of own) {
    for (const quantity of MAP_QUANTITIES) {
      const value = map?.options.find((option) => option.name === name)?.value ?? "";
      const line = await refusal(["map", quantity, `--${name}`, value, ...config]);
      if (quantities.includes(quantity)) expect(line).toMatch(nothing);
      else expect(line).toContain(`--${name} ${value}: an option of ${quantities.join(", ")}, not of ${quantity}`);
    }
  }
});
