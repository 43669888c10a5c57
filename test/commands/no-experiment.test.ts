// A rule of all commands that need an experiment: where there is none, they end with the same line and leave nothing behind.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { allCommands, runHere } from "./command-table.ts";

/** What a command needs to get as far as the experiment. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  compare: ["DIRECTORY", "DIRECTORY"],
  figure: ["curves", "--out", "DIRECTORY/x.png"],
  diff: ["first", "last"],
  "injections import": ["DIRECTORY/config.toml"],
  "markers import": ["DIRECTORY/config.toml"],
  "injections add": ["buffer", "--type", "buffer", "--start", "now", "--duration", "60"],
  "injections edit": ["1", "--note", "x"],
  "markers edit": ["1", "--text", "x"],
};

/** Commands that need none, begin one, or read something else first, such as a share, a server, an image or a backup. */
const NEED_NONE = new Set(
  `run new analyse simulate capture preview calibrate check-rois cameras sensors doctor logs menu import sync init-remote restore opcua
   install-service config licenses licences completion man`.split(/\s+/),
);

test("where there is no experiment, every command that needs one says so in the same way", async () => {
  const directory = temporaryDirectory();
  const config = join(directory, "config.toml");
  writeFileSync(config, "");
  const tried: string[] = [];
  for (const { words, demanded, options } of await allCommands()) {
    const name = words.join(" ");
    if (NEED_NONE.has(words[0] ?? "")) continue;
    const given = MORE[name]?.map((word) => word.replace("DIRECTORY", directory));
    const required = options.flatMap((option) => (option.required ? [`--${option.name}`, option.value] : []));
    const line = [...words, ...(given ?? [...demanded.map(({ value }) => value), ...required]), "--config", config];
    const { stdout, stderr, failure } = await runHere(line);
    tried.push(name);
    // What reports on an experiment says it as its report, and ends with 2: test/run/health.slow.test.ts.
    if (name === "status" || name === "health") {
      expect(stdout, name).toContain("no experiment");
      continue;
    }
    expect(stderr, name).toBe(
      `no experiment in ${join(directory, "data")}: phorest.sqlite does not exist (start one with \`phorest run\`, or name its configuration with --config)\n`,
    );
    expect(stdout, name).toBe("");
    // src/cli.ts ends with 2 for it.
    expect(failure, name).toMatchObject({ code: "experiment.unusable" });
    expect(readdirSync(directory), name).toEqual(["config.toml"]);
  }
  expect(tried.length).toBeGreaterThan(25);
  expect(existsSync(join(directory, "data"))).toBe(false);
});
