// A command that shows only the newest analysis advises what gives all frames: to join them where that joins something, to measure
// them alike otherwise.
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runHere } from "./command-table.ts";

test.each([
  ["version of phorest", { kernelVersion: "2" }, true],
  ["settings", { settings: '{"subRois":5}' }, false],
] as const)("after another %s", async (_what, other, joins) => {
  const root = temporaryDirectory();
  const { manifest, add, measureWith } = experiment(root, 2);
  add(10);
  measureWith(other);
  add(10);
  manifest.close();
  const sensorgram = (...words: string[]) =>
    runHere(["sensorgram", "--roi", "000A_N", ...words, "--config", join(root, "config.toml")]);
  const { stderr } = await sensorgram();
  expect(stderr).toContain(joins ? "`phorest sensorgram --joined` joins them" : "`phorest remeasure` measures all");
  const { stderr: said, stdout } = await sensorgram("--joined");
  expect(said.includes("nothing to join")).toBe(!joins);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .filter((line) => line.includes("000A_N")),
  ).toHaveLength(joins ? 20 : 10);
});
