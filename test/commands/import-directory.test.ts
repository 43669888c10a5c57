// `phorest import` of what is no directory ends before anything is made.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addCommands, newParser } from "../../src/commands/parser.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("the message says what to name instead", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "metadata_manifest.json");
  writeFileSync(file, "{}");
  const lineOf = async (...words: string[]) => {
    const parser = newParser(words);
    await addCommands(parser, words);
    return parser.parseAsync();
  };
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
