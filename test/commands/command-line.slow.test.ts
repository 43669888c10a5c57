import { expect, test } from "vitest";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ask = (...words: string[]) => phorest(words, temporaryDirectory());

/** The manual page, which takes the help of every command: printed once. */
const manual = ask("man").then(({ stdout }) => stdout.replaceAll("\\-", "-"));

const commands = async () =>
  (await ask("--get-yargs-completions", "phorest", "")).stdout
    .trim()
    .split("\n")
    .filter((name) => name !== "completion");

test("the manual page has every command, each with an example", async () => {
  const page = await manual;
  const sections = page.split(/^\.SS /m).slice(1);
  expect(sections.map((section) => section.split("\n")[0])).toEqual(
    (await commands()).map((name) => `phorest ${name}`),
  );
  for (const section of sections) expect(section).toContain("Examples:");
});

test("the shell completes commands, options and values", async () => {
  const complete = async (...words: string[]) =>
    (await ask("--get-yargs-completions", "phorest", ...words)).stdout.trim().split("\n");
  expect(await complete("")).toEqual(expect.arrayContaining(["run", "export", "markers"]));
  expect(await complete("export", "--f")).toContain("--format");
  expect(await complete("export", "--format", "")).toContain("results-jsonl");
  expect((await ask("completion")).stdout).toContain("phorest-completions");
});

test("a mistyped command, option or value names the nearest one, with exit code 2", async () => {
  for (const [words, near] of [
    [["exprt"], "did you mean export?"],
    [["export", "--fromat", "csv"], "did you mean --format?"],
    [["export", "--format", "cvs"], "did you mean csv?"],
    [["markers", "lst"], "did you mean markers list?"],
  ] as const) {
    const { code, stderr } = await ask(...words);
    expect([code, stderr.trim().split("\n").length], words.join(" ")).toEqual([2, 1]);
    expect(stderr).toContain(near);
  }
});

test("the nearest name is found in every command that does several things", async () => {
  const page = await manual;
  const pairs = page
    .split(/^\.SS phorest /m)
    .slice(1)
    .flatMap((section) => {
      const name = section.split("\n")[0] ?? "";
      const [, listed = ""] = /^Commands:\n((?: .*\n)+)/m.exec(section) ?? [];
      return [...listed.matchAll(new RegExp(`^  phorest ${name} ([a-z]+)`, "gm"))].map(
        ([, sub]) => [name, sub] as const,
      );
    });
  expect(new Set(pairs.map(([name]) => name))).toEqual(new Set(["markers", "injections", "opcua", "config"]));
  for (const [name, sub] of pairs) {
    expect((await ask(name, `${sub}x`)).stderr).toContain(`did you mean ${name} ${sub}?`);
  }
});
