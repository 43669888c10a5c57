// Where a new experiment is made, and where it is not.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { refusal, runHere } from "./command-table.ts";

test.each([
  ["that has a name and no frames yet", false],
  ["that has frames and no name", true],
])("none is made in the directory of one %s; the line says how to make it next to it", async (_what, hasFrames) => {
  const lab = temporaryDirectory();
  const old = join(lab, "old");
  mkdirSync(old);
  if (hasFrames) experiment(old, 2).manifest.close();
  else writeFileSync(join(old, "config.toml"), '[Experiment]\nname = "old"\n');
  const before = readdirSync(old, { recursive: true });
  for (const from of [[], ["--from", old]]) {
    const line = await refusal(["new", "second", "--in", old, ...from]);
    const next = ["phorest", "new", '"second"', ...(from.length > 0 ? ["--from", `"${old}"`] : []), "--in", `"${lab}"`];
    expect(line).toBe(
      `${old} is the directory of an experiment; a new one inside it would be lost in it (make it next to this one: ${next.join(" ")})`,
    );
    expect(readdirSync(old, { recursive: true })).toEqual(before);
    expect(await runHere([...next.slice(1).map((word) => word.replaceAll('"', ""))])).toMatchObject({
      failure: undefined,
      stderr: "",
    });
    expect(readdirSync(lab).filter((name) => name.endsWith("_second"))).toHaveLength(1);
    // Made anew by the second of these.
    for (const name of readdirSync(lab).filter((one) => one !== "old")) rmSync(join(lab, name), { recursive: true });
  }
});

test("a directory with settings that are no experiment's is one to make experiments in, and to copy from", async () => {
  const lab = temporaryDirectory();
  writeFileSync(join(lab, "config.toml"), "[Analysis]\nbaseline_seconds = 7\n");
  expect(await runHere(["new", "first", "--in", lab, "--from", lab])).toMatchObject({ failure: undefined });
  expect(readdirSync(lab).some((name) => name.endsWith("_first"))).toBe(true);
});

test("a directory to make it in that is not there is named", async () => {
  const missing = join(temporaryDirectory(), "missing");
  expect(await refusal(["new", "first", "--in", missing])).toBe(
    `--in ${missing}: no such directory (make it, or name another one)`,
  );
});
