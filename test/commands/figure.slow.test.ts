import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** 30 frames of 8 ROIs, ten seconds apart. */
function stopped(config = ""): string {
  const root = temporaryDirectory();
  const { manifest, add } = recorded(root, 8);
  add(30);
  manifest.close();
  writeFileSync(join(root, "config.toml"), config);
  return root;
}

function rowsOf(csv: string): Record<string, string>[] {
  const [header = [], ...rows] = csv
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(header.map((name, at) => [name, row[at] ?? ""])));
}

/** The rows of `phorest sensorgram` that are not those of groups. */
const curvesOf = (csv: string) => rowsOf(csv).filter(({ label }) => !label?.startsWith("group "));

const read = (root: string, name: string) => readFileSync(join(root, name), "utf8");

/** Runs `phorest figure` with a CSV next to it; the SVG and the rows of the CSV. */
async function figure(root: string, ...words: string[]) {
  const { code, stderr } = await phorest(["figure", ...words, "--out", "f.svg", "--csv", "f.csv"], root);
  expect(code, stderr).toBe(0);
  return { svg: read(root, "f.svg"), rows: rowsOf(read(root, "f.csv")), stderr };
}

test.each(["curves", "panels", "rolling"])("the numbers of %s are those of phorest sensorgram", async (kind) => {
  const root = stopped(
    '[Experiment]\nname = "titration"\nsample = "chip 7"\n[Analysis]\nbaseline_seconds = 60\nreference_rois = ["003A*"]\n',
  );
  const { svg, rows } = await figure(root, kind);
  const expected = curvesOf((await phorest(["sensorgram"], root)).stdout);
  expect(rows.map(({ label, timestamp, value_px }) => [label, timestamp, value_px])).toEqual(
    expected.map(({ label, timestamp, referenced_px }) => [label, timestamp, referenced_px]),
  );
  expect(svg).toContain("titration, chip 7");
  expect(svg).toContain("Referenced shift from baseline (px)");
});

test("a window, every N-th frame, gratings, another zero", async () => {
  const root = stopped();
  const words = ["--pairs", "--roi", "001A", "--from", "50", "--to", "2026-03-04T15:22:00Z", "--every", "3"];
  const { rows } = await figure(root, "curves", ...words, "--normalise", "first");
  expect(rows.map(({ label, elapsed_s }) => [label, elapsed_s])).toEqual([
    ["001A", "50"],
    ["001A", "80"],
    ["001A", "110"],
  ]);
  expect(rows.map(({ value_px }) => Number(value_px))).toEqual([0, 0.03, 0.06]);
  const plain = await figure(root, "curves", "--roi", "001A_N", "--normalise", "none");
  const positions = curvesOf((await phorest(["sensorgram", "--roi", "001A_N"], root)).stdout);
  expect(plain.rows.map(({ value_px }) => value_px)).toEqual(positions.map(({ position_px }) => position_px));
  expect(plain.svg).toContain("Resonance position (px)");
});

test("the rolling median and the difference of neighbouring medians are in the CSV", async () => {
  const { rows } = await figure(stopped(), "rolling", "--roi", "000A_N", "--frames", "5");
  // The positions rise by 0.01 px per frame.
  const at = rows[10] ?? {};
  expect(at.rolling_median_px).toBe(at.value_px);
  expect(rows.map(({ difference_px }) => difference_px)).toEqual([
    ...new Array<string>(5).fill(""),
    ...new Array<string>(21).fill("0.05"),
    ...new Array<string>(4).fill(""),
  ]);
});

test("noisy gratings are left out and named, with the noise of phorest sensorgram", async () => {
  const root = temporaryDirectory();
  const { manifest, add } = recorded(
    root,
    4,
    (roi, frame) => 60 + roi + frame / 100 + (roi + 1) * 0.01 * Math.sin(1 + 7 * frame ** 2),
  );
  add(40);
  manifest.close();
  const summary = JSON.parse((await phorest(["sensorgram", "--summary", "--json"], root)).stdout) as {
    kind: string;
    label: string;
    noise_px: number;
  }[];
  const noiseOf = new Map(summary.filter(({ kind }) => kind === "roi").map(({ label, noise_px }) => [label, noise_px]));
  const most = Math.sqrt((noiseOf.get("000A_S") ?? 0) * (noiseOf.get("001A_N") ?? 0));
  const { svg, rows, stderr } = await figure(root, "curves", "--max-noise", most.toFixed(4));
  expect([...new Set(rows.map(({ label }) => label))]).toEqual(["000A_N", "000A_S"]);
  const named = ["001A_N", "001A_S"].map((label) => `${label} (${noiseOf.get(label)?.toPrecision(2)} px)`).join(", ");
  expect(stderr.trim()).toBe(`left out, more noise than ${Number(most.toFixed(4))} px: ${named}`);
  expect(svg).toContain(`2 with more noise than ${Number(most.toFixed(4))} px left out`);
  const none = await phorest(["figure", "curves", "--max-noise", "0.00001", "--out", "f.svg"], root);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("px (the quietest has ")]);
});

test("intervals: each one is in a bar, and pauses are counted", async () => {
  const { svg, rows, stderr } = await figure(stopped(), "intervals");
  expect(rows.reduce((sum, { intervals }) => sum + Number(intervals), 0)).toBe(29);
  expect(svg).toContain("Time from frame to frame (s)");
  expect(stderr.trim()).toBe("29 intervals: median 10 s, shortest 10 s, longest 10 s; 0 longer than 1.5 medians");
});

test("a PNG is as wide as asked for on paper, and says so", async () => {
  const root = stopped();
  for (const [size, px] of [
    ["85", 1004],
    ["170x120", 2008],
  ] as const) {
    const { code, stderr } = await phorest(["figure", "panels", "--out", "f.png", "--size", size], root);
    expect(code, stderr).toBe(0);
    const png = readFileSync(join(root, "f.png"));
    expect(Math.abs(png.readUInt32BE(16) - px)).toBeLessThan(8);
    const density = png.indexOf("pHYs");
    // Pixels per metre: 300 per inch.
    expect(png.readUInt32BE(density + 4)).toBe(11811);
  }
});

test("row profiles of one ROI in several images", async () => {
  const root = temporaryDirectory();
  await phorest(["simulate", "sim", "--frames", "2", "--size", "960x730"], root);
  const images = readdirSync(join(root, "sim"))
    .filter((name) => name.endsWith(".png"))
    .map((name) => `sim/${name}`);
  const rois = JSON.parse(read(root, "sim/ROI_manifest.json")) as Record<string, { label?: string; size?: number[] }>;
  const roi = Object.values(rois).find(({ label }) => label !== undefined);
  const words = ["profiles", ...images, "--rois", "sim/ROI_manifest.json", "--roi", roi?.label ?? ""];
  const { svg, rows } = await figure(root, ...words);
  expect(rows).toHaveLength(2 * (roi?.size?.[1] ?? 0));
  expect(Math.max(...rows.map(({ counts }) => Number(counts)))).toBeGreaterThan(50);
  expect(svg).toContain(`ROI ${roi?.label}, row ${(roi?.size?.[0] ?? 0) >> 1}`);
  const many = await phorest(["figure", ...words.slice(0, -2), "--roi", "*", "--out", "f.svg"], root);
  expect([many.code, many.stderr]).toEqual([2, expect.stringContaining("needs the name of one ROI with --roi")]);
});

test.each([
  [["curves"], "--out is missing"],
  [["curves", "--out", "x.jpg"], "must end with .png or .svg"],
  [["curves", "--out", "x.png", "--roi", "999*"], 'is named "999*"'],
  [["curves", "--out", "x.png", "--from", "2030-01-01"], "no frame is in this window"],
  [["curves", "--out", "x.png", "--analysis", "9"], "no analysis 9"],
  [["curves", "--out", "x.png", "--every", "0"], "--every needs a whole number of at least 1"],
  [["curves", "--out", "x.png", "--y-limits", "3"], "--y-limits needs MIN,MAX"],
  [["curves", "--out", "x.png", "--y-limits=3,1"], "--y-limits needs MIN below MAX"],
  [["curves", "--out", "x.png", "--size", "wide"], "--size needs WIDTH or WIDTHxHEIGHT in mm"],
  [["rolling", "--out", "x.png", "--frames", "1"], "--frames needs a whole number of at least 2"],
  [["panels", "--out", "x.png", "--max-noise", "-1"], "--max-noise needs a number of px above 0"],
  [["panels", "a.png", "--out", "x.png"], "figure panels takes no images"],
  [["profiles", "--out", "x.png"], "figure profiles needs images"],
  [["histogram", "--out", "x.png"], "kind"],
])("figure %j is refused in one line", async (words, line) => {
  const { code, stderr } = await phorest(["figure", ...words], stopped());
  expect([code, stderr.trim().split("\n").length], stderr).toEqual([2, 1]);
  expect(stderr).toContain(line);
});
