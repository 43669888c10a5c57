import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function two(): string {
  const root = temporaryDirectory();
  for (const [name, rois] of [
    ["first", 6],
    ["second", 8],
  ] as const) {
    mkdirSync(join(root, name));
    const { manifest, add } = recorded(join(root, name), rois);
    add(30);
    manifest.close();
  }
  return root;
}

test("the table has the numbers of phorest sensorgram for both, and a figure shows the curves", async () => {
  const root = two();
  const { code, stdout, stderr } = await phorest(
    ["compare", "first", "second", "--json", "--figure", "both.png"],
    root,
  );
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("only in B: 003A_N, 003A_S");
  const { a, b, curves } = JSON.parse(stdout) as {
    a: string;
    b: string;
    curves: { label: string; a: { noise_px: number } }[];
  };
  expect([a, b]).toEqual(['first (gaussian, analysis "gaussian")', 'second (gaussian, analysis "gaussian")']);
  const summary = JSON.parse((await phorest(["sensorgram", "--summary", "--json"], join(root, "first"))).stdout) as {
    label: string;
    kind: string;
    noise_px: number;
  }[];
  const expected = summary.filter(({ kind }) => kind === "roi").map(({ label, noise_px }) => [label, noise_px]);
  expect(curves.map(({ label, a: { noise_px } }) => [label, noise_px])).toEqual(expected);
  expect(readFileSync(join(root, "both.png")).subarray(1, 4).toString()).toBe("PNG");
  const table = await phorest(["compare", "--pairs", "first", "first#1"], root);
  expect(table.stdout).toMatch(/^001A +\S+ +\S+ +0\.0000 /m);
});

test("two experiments of one name are two curves in the figure, and it fits a page", async () => {
  const root = two();
  const { code, stderr } = await phorest(["compare", "first", "first#1", "--figure", "both.svg"], root);
  expect(code, stderr).toBe(0);
  const svg = readFileSync(join(root, "both.svg"), "utf8");
  for (const words of ["A (solid): first (gaussian", "B (dashed): first (gaussian", "Difference B − A (px)"])
    expect(svg).toContain(words);
  expect(svg.match(/stroke-dasharray="5,2"/g)).toHaveLength(6);
  const [, width, height] = /<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  // 96 px are 25.4 mm.
  expect(Math.abs(Number(width) * (25.4 / 96) - 170)).toBeLessThan(3);
  expect(Number(height) * (25.4 / 96)).toBeLessThan(257);
});

test("what cannot be compared is one line and exit code 2", async () => {
  const root = two();
  for (const [words, line] of [
    [["first", "nowhere"], "no experiment in"],
    [["first", "second#7"], "no analysis 7"],
    [["first", "second", "--roi", "999*"], 'first: no ROI is named "999*"'],
    [["first", "second", "--figure", "x.jpg"], "the name must end with .png or .svg"],
  ] as const) {
    const { code, stderr } = await phorest(["compare", ...words], root);
    expect([code, stderr.trim().split("\n").length], words.join(" ")).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
});
