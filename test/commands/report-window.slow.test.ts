import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** 40 frames of 4 ROIs, ten seconds apart. */
function stopped(): string {
  const root = temporaryDirectory();
  const { manifest, add } = recorded(root, 4);
  add(40);
  manifest.close();
  return root;
}

async function overview(root: string, ...words: string[]): Promise<string> {
  const { code, stderr } = await phorest(["report", ...words], root);
  expect(code, stderr).toBe(0);
  return readFileSync(join(root, "results/processed_data_plot.svg"), "utf8");
}

/** Texts of the legend: "000A_N  60.20". */
const baselines = (svg: string) => [...svg.matchAll(/>(\d{3}A_[NS] {1,2}[\d.]+)</g)].map(([, text]) => text);

test("a report of a part of the time has the frames of that time, and the baseline of the experiment", async () => {
  const root = stopped();
  const whole = await overview(root);
  const part = await overview(root, "--from", "100", "--to", "2026-03-04T15:23:20Z");
  expect(whole).toContain("40 frames");
  expect(part).toContain("11 frames");
  expect(part).toContain("last 2026-03-04 15:23:20 UTC");
  expect(baselines(part)).toEqual(baselines(whole));
  expect(baselines(part)).toHaveLength(4);
});

test("the vertical axis is as asked for", async () => {
  const root = stopped();
  const labels = (svg: string) => [...svg.matchAll(/>(−?\d+)</g)].map(([, text]) => text);
  const svg = await overview(root, "--y-limits=-20,40");
  expect(labels(svg)).toEqual(expect.arrayContaining(["−20", "40"]));
});

test.each([
  [["--from", "2030-01-01"], "no frame is in this window"],
  [["--from", "soon"], "--from needs a date or time"],
  [["--y-limits", "wide"], "--y-limits needs MIN,MAX"],
])("%j is refused in one line", async (words, line) => {
  const { code, stderr } = await phorest(["report", ...words], stopped());
  expect([code, stderr.trim().split("\n").length], stderr).toEqual([2, 1]);
  expect(stderr).toContain(line);
});
