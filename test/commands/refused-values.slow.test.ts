// Rules of all commands: a name that no ROI has, or a number that an option cannot have, ends the command with one line that has what
// was given (and for a name the nearest one), and nothing is written. `run` refuses names, too: test/run/subset.slow.test.ts.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { experiment, START_US } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { allCommands, runHere } from "./command-table.ts";

const SECOND_US = 1e6;

/** A measured experiment with an injection for calibration and two of a sample, and the file of its ROIs. */
function measured(): string {
  const root = temporaryDirectory();
  const { manifest, add } = experiment(root, 8);
  add(90);
  const injections = (
    [
      ["glycerol", "calibration", 1.34],
      ["IgG", "sample", null],
      ["IgG", "sample", null],
    ] as const
  ).map(([solution, type, refractiveIndex], at) => ({
    ...{ solution, type, refractiveIndex, concentration: 1e-9 * (at + 1), note: "" },
    startUs: START_US + (120 + at * 260) * SECOND_US,
    endUs: START_US + (240 + at * 260) * SECOND_US,
    dissociationEndUs: START_US + (370 + at * 260) * SECOND_US,
  }));
  manifest.injections.change({ type: "add-injections", author: "the test", injections }, 0);
  const rois = manifest.analyses.roiManifest(1)?.rois ?? [];
  manifest.close();
  mkdirSync(join(root, "generated_files"));
  writeFileSync(join(root, "generated_files", "ROI_manifest.json"), formatRoiManifest({ imageAngle: 0, rois }));
  return root;
}

/** What must be given besides --roi, once for each way that a command reads curves. */
const ways = (root: string): Readonly<Record<string, readonly (readonly string[])[]>> => ({
  analyse: [["missing.png"]],
  compare: [[root, root]],
  figure: [
    ["curves", "--out", "x.png"],
    ["panels", "--out", "x.png"],
    ["rolling", "--out", "x.png"],
    ["profiles", "x.png", "--out", "y.png"],
  ],
  map: ["shift", "noise", "sensitivity", "response", "arrival", "KD"].map((quantity) => [quantity]),
  export: ["csv", "csv-wide", "results-jsonl"].map((format) => ["--format", format]),
});

test("a name that no ROI has", async () => {
  const root = measured();
  const files = () => readdirSync(root, { recursive: true }).sort();
  const before = files();
  const commands = (await allCommands()).filter(({ options }) => options.some(({ name }) => name === "roi"));
  expect(commands.length).toBeGreaterThan(12);
  for (const { words } of commands.filter(({ words: [name] }) => name !== "run")) {
    for (const more of ways(root)[words.join(" ")] ?? [[]]) {
      const line = [...words, ...more, "--config", join(root, "config.toml")];
      for (const [given, near] of [
        ["ROI_001A_x", "001A(_N)?"],
        ["03A*_Q", "003A(_N)?"],
      ]) {
        const { stdout, stderr, failure } = await runHere([
          ...line,
          "--roi",
          // Every command takes a list with commas.
          `000A*,${given}`,
        ]);
        const command = `phorest ${[...words, ...more].join(" ")} --roi ${given}: ${stderr}`;
        expect(failure, command).toMatchObject({ code: "usage.invalid" });
        expect(stdout, command).toBe("");
        expect(stderr.trimEnd().split("\n").at(-1), command).toMatch(
          new RegExp(`no (ROI|grating) is named "${given?.replace("*", "\\*")}" \\(did you mean ${near}\\?\\)$`),
        );
        expect(files(), command).toEqual(before);
      }
    }
  }
});

/** What starts something, or writes images, before it would look at all of its numbers. */
const STARTS = ["run", "preview", "view", "simulate", "capture"];

test("a number that is refused is in the message, for every option of every command", async () => {
  const root = measured();
  let refused = 0;
  for (const { words, options } of await allCommands()) {
    if (STARTS.includes(words[0] ?? "")) continue;
    for (const { name } of options.filter(({ type }) => type === "number")) {
      const more = ways(root)[words.join(" ")]?.[0] ?? [];
      const line = [...words, ...more, `--${name}=-7.25`, "--config", join(root, "config.toml")];
      const { stderr, failure } = await runHere(line);
      if (failure === undefined || !stderr.includes(name)) continue;
      expect(stderr, line.join(" ")).toContain("-7.25");
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(15);
});
