// A later run with another table of times, or another pattern, says that the stored times differ; they stay.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { otherTimesLine } from "../../src/commands/other-times.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/schema.ts";
import { readTimeTable } from "../../src/image/times/table.ts";
import type { TakenTime } from "../../src/manifest/history.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const START_US = Date.UTC(2026, 2, 4, 10) * 1000;
const frame = (name: string, page: number | null, second: number, source: TakenTime["source"] = "table"): TakenTime => {
  return { name, page, takenAtUs: START_US + second * 1e6, source };
};
const TAKEN = [frame("s.tif", 0, 0), frame("s.tif", 2, 1), frame("c.tif", null, 5)];

async function lineOf(taken: readonly TakenTime[], csv: string | undefined, camera: Partial<Config["Camera"]> = {}) {
  const { config } = loadConfig(undefined);
  const path = join(temporaryDirectory("phorest-other-times-"), "times.csv");
  if (csv !== undefined) writeFileSync(path, csv);
  const Camera = {
    ...config.Camera,
    camera_type: "folder" as const,
    watch_dir: "/incoming",
    times_file: path,
    ...camera,
  };
  return otherTimesLine(taken, { ...config, Camera }, csv === undefined ? undefined : await readTimeTable(path));
}

const at = (second: number) => new Date(START_US / 1000 + second * 1000).toISOString();
const rows = (...times: readonly (readonly [string, number, number])[]) =>
  ["file,page,time", ...times.map(([file, page, second]) => `${file},${page},${at(second)}`)].join("\n");

test.each<[string, string]>([
  ["the same times", rows(["s.tif", 1, 0], ["s.tif", 2, 0.5], ["s.tif", 3, 1.0004], ["c.tif", 1, 5])],
  ["no row for what was taken", rows(["d.tif", 1, 9], ["s.tif", 2, 9])],
  ["one row for a stack, whose first page is not known", `file,time\ns.tif,${at(9)}`],
  ["the same seconds without a date", "file,page,elapsed\ns.tif,1,0.5\ns.tif,3,1.5\nc.tif,1,5.5"],
])("says nothing about %s", async (_what, csv) => {
  expect(await lineOf(TAKEN, csv)).toBeUndefined();
});

test("names the first frame with both times, counts them, and says what to do", async () => {
  expect(await lineOf(TAKEN, rows(["s.tif", 1, 0], ["s.tif", 3, 2], ["c.tif", 1, 6]))).toBe(
    "s.tif, page 3: taken at 2026-03-04T10:00:01.000000Z, but times.csv gives 2026-03-04T10:00:02.000000Z; " +
      "2 frames of 2 files differ. Frames keep the times that they were stored with; to use the new ones, start a new " +
      "experiment with `phorest new NAME`, or use `phorest analyse`",
  );
});

test("compares seconds without a date from the first frame", async () => {
  const line = await lineOf(TAKEN, "file,page,elapsed\ns.tif,1,0\ns.tif,3,3\nc.tif,1,5");
  expect(line).toMatch(/^s\.tif, page 3: .*10:00:01.000000Z, but .*10:00:03.000000Z; 1 frame of 1 file differ/);
});

test("a pattern of names differs only from times that are less trusted", async () => {
  const name = "a_20260304_100009.tif";
  const camera = { name_time: "%Y%m%d_%H%M%S" };
  expect(await lineOf([frame(name, null, 5, "file")], undefined, camera)).toMatch(
    /the pattern %Y%m%d_%H%M%S gives .*10:00:09/,
  );
  expect(await lineOf([frame(name, null, 9, "name")], undefined, camera)).toBeUndefined();
  expect(await lineOf([frame(name, null, 5, "exif")], undefined, camera)).toBeUndefined();
});
