// `phorest import` of what is no directory ends before anything is made.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addCommands, newParser } from "../../src/commands/parser.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

async function lineOf(...words: string[]): Promise<unknown> {
  const parser = newParser(words);
  await addCommands(parser, words);
  return parser.parseAsync();
}

/** Directories of an experiment with a configuration, and of another with data elsewhere. */
function places() {
  const root = temporaryDirectory();
  const make = (...names: string[]) => {
    const path = join(root, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const own = make("own");
  const config = join(own, "config.toml");
  writeFileSync(config, "[Services]\nenable_camera = false\n");
  return { make, own, config };
}

test("the message says what to name instead", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "metadata_manifest.json");
  writeFileSync(file, "{}");
  const isNone = {
    code: "usage.invalid",
    message: `${file}: not a directory`,
    hint: expect.stringContaining("directory"),
  };
  await expect(lineOf("import", file)).rejects.toMatchObject(isNone);
  await expect(lineOf("import", directory, "--pictures", file)).rejects.toMatchObject(isNone);
  const away = join(directory, "away");
  await expect(lineOf("import", away)).rejects.toMatchObject({ message: `${away}: no such directory` });
});

test("what is a directory in place of a file is named, and nothing is imported", async () => {
  const { make, config } = places();
  const old = make("old");
  const manifest = make("old", "metadata_manifest.json");
  await expect(lineOf("import", old, "--config", config)).rejects.toMatchObject({
    code: "usage.invalid",
    message: `${manifest}: a directory, not a metadata manifest`,
  });
});

test("of images without an experiment, it says how to measure them, and makes nothing", async () => {
  const { make, own, config } = places();
  const images = make("series", "Pos0");
  writeFileSync(join(images, "img_000000000_Default_000.tif"), "");
  for (const directory of [images, join(images, "..")]) {
    await expect(lineOf("import", directory, "--config", config)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringContaining("but 1 image: import is for experiments"),
      hint: expect.stringContaining(`phorest analyse ${directory}`),
    });
  }
  expect(existsSync(join(own, "data"))).toBe(false);
});

test("it names the database where that is elsewhere, or is that of this experiment", async () => {
  const { make, own, config } = places();
  const database = (directory: string) => {
    writeFileSync(join(directory, "phorest.sqlite"), "");
    return join(directory, "phorest.sqlite");
  };
  const configured = make("configured");
  const far = make("far");
  writeFileSync(join(configured, "config.toml"), `[Paths]\ndata_dir = ${JSON.stringify(far)}\n`);
  const results = make("other", "results");
  const near = make("other", "data");
  for (const [directory, data] of [
    [configured, far],
    [results, near],
  ] as const) {
    const file = database(data);
    await expect(lineOf("import", directory, "--config", config)).rejects.toMatchObject({
      message: expect.stringContaining(`there is an experiment in ${file}`),
      hint: `name ${data}`,
    });
  }
  const itself = database(make("own", "data"));
  await expect(lineOf("import", own, "--config", config)).rejects.toMatchObject({
    message: expect.stringContaining(`${itself} is this experiment itself`),
  });
});
