// The options --from and --to mean the same in every command: both ends belong to the window, in this order.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runHere } from "./command-table.ts";

const COMMANDS = {
  sensorgram: ["sensorgram", "--roi", "000A_N"],
  "export csv": ["export", "--format", "csv", "--roi", "000A_N"],
  "export csv-wide": ["export", "--format", "csv-wide", "--no-pairs", "--roi", "000A_N"],
  figure: ["figure", "curves", "--roi", "000A_N", "--csv", "figure.csv", "--out", "figure.svg"],
} as const;

/** Frames every 10 s. */
function measured(): string {
  const root = temporaryDirectory();
  const { manifest, add } = experiment(root, 2);
  add(10);
  manifest.close();
  return root;
}

describe.each(Object.entries(COMMANDS))("%s", (name, words) => {
  const run = (root: string, ...window: string[]) =>
    runHere([
      ...words.map((word) => (word.startsWith("figure.") ? join(root, word) : word)),
      ...window,
      ...["--config", join(root, "config.toml")],
    ]);

  test("a window contains the frames at both of its ends", async () => {
    const root = measured();
    const { stdout, stderr, failure } = await run(root, "--from", "20", "--to", "50");
    expect(failure, stderr).toBeUndefined();
    const text = name === "figure" ? readFileSync(join(root, "figure.csv"), "utf8") : stdout;
    const lines = text
      .trim()
      .split("\n")
      .filter((line) => !line.startsWith("#") && !line.includes("group A"));
    expect(lines.slice(1), text).toHaveLength(4);
  });

  test("an end before the beginning is named", async () => {
    const { stderr, failure } = await run(measured(), "--from", "50", "--to", "20");
    expect(failure).toBeDefined();
    expect(stderr).toContain("--to 20 is before --from 50");
  });
});

test("report: an end before the beginning is named, and nothing is written", async () => {
  const root = measured();
  const { stderr } = await runHere([
    ...["report", "--from", "50", "--to", "20", "--out", join(root, "out"), "--config", join(root, "config.toml")],
  ]);
  expect(stderr).toContain("--to 20 is before --from 50");
});
