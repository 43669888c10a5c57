// Times of images of other programs through the whole program: exact from metadata whatever the time of modification says;
// guessed only where nothing else is left, and then said everywhere.
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeTiff } from "../image/picture-writers.ts";
import { command } from "./commands.ts";
import { type FileSource, fileExperiment, PLACE, query, simulator } from "./file-source.ts";
import { phorest } from "./program.ts";

/** Milliseconds since the start, not in even steps. */
const ELAPSED_MS = [0, 203.5, 399, 1807.125];
const START_US = Date.UTC(2024, 2, 10, 7, 59, 58) * 1000 + 250_000;
const WRONG_S = 1_000_000_000;

function withImages(source: FileSource, nameOf: (frame: number) => string, more = ""): string {
  const directory = fileExperiment(source, more);
  ELAPSED_MS.forEach((_, frame) => {
    const path = join(directory, PLACE[source], nameOf(frame));
    writeFileSync(path, writeTiff(simulator.render(frame, 30 * frame)));
    // The later the image, the earlier its file.
    utimesSync(path, WRONG_S - 60 * frame, WRONG_S - 60 * frame);
  });
  return directory;
}

const imageName = (frame: number) => `img_00000000${frame}_Default_000.tif`;

function metadata(): string {
  const frames = ELAPSED_MS.map((ms, frame) => {
    const image = { FileName: imageName(frame), Frame: frame, "ElapsedTime-ms": ms, Time: "2024-03-09 23:59:58 -0800" };
    return `"FrameKey-${frame}-0-0": ${JSON.stringify(image)}`;
  });
  return `{"Summary": {"StartTime": "2024-03-09 23:59:58.250 -0800"},\n${frames.join(",\n")}\n}\n`;
}

interface Row {
  readonly us: number;
  readonly source: string | null;
}

const entries = (directory: string): Row[] =>
  query(directory, "SELECT captured_at_us AS us, time_source AS source FROM entry ORDER BY id");

/** The columns of a CSV by name. */
function columns(csv: string): ReadonlyMap<string, string[]> {
  const [head = "", ...lines] = csv.trim().split("\n");
  return new Map(head.split(",").map((name, at) => [name, lines.map((line) => line.split(",")[at] ?? "")]));
}

const expected = ELAPSED_MS.map((ms) => START_US + Math.round(ms * 1000));

test.each(["folder", "file_importer"] as const)(
  "%s takes the times of metadata.txt, in their order",
  async (source) => {
    const directory = withImages(source, imageName);
    writeFileSync(join(directory, PLACE[source], "metadata.txt"), metadata());
    const { code, stderr } = await phorest(["run", "--until-idle"], directory);
    expect(code, stderr).toBe(0);
    expect(entries(directory)).toEqual(expected.map((us) => ({ us, source: "micro-manager" })));
    const curves = columns((await command(["sensorgram"], directory)).stdout);
    expect(new Set(curves.get("elapsed_s"))).toEqual(new Set(ELAPSED_MS.map((ms) => String(ms / 1000))));
    expect(curves.has("time_guessed")).toBe(false);
    expect((await command(["status"], directory)).stdout).not.toContain("guessed");
  },
);

test("a guessed time is said by log, status, report and exports, and not in the established CSV", async () => {
  const directory = withImages("file_importer", (frame) => `picture ${frame}.tif`);
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  expect(stderr.match(/guesses/g), stderr).toHaveLength(1);
  expect(stderr.match(/the time of 4 frames is guessed/g), stderr).toHaveLength(1);
  expect(entries(directory).map(({ source }) => source)).toEqual(ELAPSED_MS.map(() => "file"));
  expect((await command(["status"], directory)).stdout).toContain("the time of 4 frames is guessed");
  const sensorgram = await command(["sensorgram"], directory);
  expect((await command(["sensorgram", "--summary"], directory)).stderr).toContain("guessed");
  const csv = await command(["export", "--format", "csv"], directory);
  for (const text of [sensorgram.stdout, csv.stdout]) {
    const found = columns(text);
    expect(new Set(found.get("time_guessed"))).toEqual(new Set(["yes"]));
    expect(new Set(found.get("elapsed_s"))).toEqual(new Set(["0", "60", "120", "180"]));
  }
  const records = (await command(["export", "--format", "results-jsonl"], directory)).stdout.trim().split("\n");
  expect(
    records
      .map((line) => JSON.parse(line))
      .map((record) => [record.elapsed_s, record.time_source, record.time_guessed]),
  ).toEqual([0, 60, 120, 180].map((seconds) => [seconds, "file", true]));
  await command(["report", "--out", "page"], directory);
  expect(readFileSync(join(directory, "page", "report.html"), "utf8")).toContain("the time of 4 frames is guessed");
  const established = columns(readFileSync(join(directory, "results", "communicating_results.csv"), "utf8"));
  expect([established.has("elapsed_s"), established.has("time_guessed")]).toEqual([false, false]);
});

test("a table and a pattern of names date images for run and analyse", async () => {
  const directory = withImages("file_importer", (frame) => `20240310-075958_${frame}.tif`);
  const rows = ELAPSED_MS.map((ms, frame) => `20240310-075958_${frame}.tif;${String(ms / 1000).replace(".", ",")}`);
  writeFileSync(join(directory, "times.csv"), ["name;elapsed", ...rows.slice(1), "gone.tif;9"].join("\n"));
  const options = ["--times", "times.csv", "--name-time", "%Y%m%d-%H%M%S"];
  const analysed = await command(
    ["analyse", "data", "--rois", "generated_files/ROI_manifest.json", ...options],
    directory,
  );
  expect(analysed.code, analysed.stderr).toBe(0);
  expect(analysed.stderr).toContain("error: times.csv names 1 image that is not there: gone.tif (line 5)");
  expect(analysed.stderr).toContain("times.csv has no time for 1 image: 20240310-075958_0.tif");
  const records = analysed.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records.map(({ time_source }) => time_source)).toEqual(["name", "table", "table", "table"]);
  const [, second = 0, ...others] = records.map(({ elapsed_s }) => elapsed_s);
  expect(others.map((seconds) => Math.round(1e6 * (seconds - second)))).toEqual([195_500, 1_603_625]);
  const { code, stderr } = await phorest(["run", "--until-idle", ...options], directory);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("gone.tif");
  expect(
    entries(directory)
      .map(({ source }) => source)
      .sort(),
  ).toEqual(["name", "table", "table", "table"]);
});

test("--times and --name-time say what is wrong with them", async () => {
  const directory = withImages("file_importer", (frame) => `${frame}.tif`);
  const missing = await command(
    ["analyse", "data", "--rois", "generated_files/ROI_manifest.json", "--times", "no.csv"],
    directory,
  );
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("cannot read the table of times")]);
  for (const live of [[], ["--until-idle"]]) {
    const { code, stderr } = await phorest(["run", ...live, "--times", "no.csv"], directory);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^cannot read the table of times .*no\.csv: there is no such file \(.*\)\n$/),
    ]);
  }
  const pattern = await phorest(["run", "--name-time", "%H"], directory);
  expect([pattern.code, pattern.stderr]).toEqual([2, expect.stringContaining("--name-time needs a pattern")]);
});
