// A part of a series through the whole program: the same frames from separate files and from a stack, in one run and in two.
import { copyFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeTiff } from "../image/picture-writers.ts";
import { writeStack } from "../image/stack-writer.ts";
import { command } from "./commands.ts";
import { type FileSource, fileExperiment, PLACE, query, simulator } from "./file-source.ts";
import { phorest } from "./program.ts";

const pictures = Array.from({ length: 9 }, (_, at) => simulator.render(at, at * 30));
const START_MS = Date.UTC(2026, 2, 4, 10);

/** Nine images, one a minute, as files of their own or as one stack with the time of its file. */
function series(form: "files" | "stack", camera = ""): string {
  const directory = fileExperiment("file_importer", camera);
  if (form === "stack") writeFileSync(join(directory, "data", "all.tif"), writeStack(pictures));
  else {
    for (const [minute, picture] of pictures.entries()) {
      const path = join(directory, "data", `${minute}.tif`);
      writeFileSync(path, writeTiff(picture));
      utimesSync(path, new Date(START_MS + minute * 60_000), new Date(START_MS + minute * 60_000));
    }
  }
  return directory;
}

const RESULTS = "SELECT entry_id, roi, position, standard_error FROM result ORDER BY entry_id, roi";
const FRAMES = "SELECT filename, page FROM frame ORDER BY entry";
const RUN = ["run", "--until-idle"];

test("every fourth frame, some ROIs: the same from files and from a stack; the rest is said", async () => {
  const [files, stack] = [series("files"), series("stack")];
  for (const directory of [files, stack]) {
    const { code, stderr } = await phorest([...RUN, "--every", "4", "--roi", "001a*"], directory);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("left out 6 of 9 frames: 6 skipped by every 4");
    expect(stderr).toMatch(/left out \d+ of \d+ ROIs \(--roi\)/);
    const status = await command(["status"], directory);
    expect(status.stdout).toContain("left out 6 of 9 frames: 6 skipped by every 4");
    expect(status.stdout).toMatch(/processor .*left out \d+ of \d+ ROIs/);
  }
  expect(query(files, FRAMES)).toEqual(["0.tif", "4.tif", "8.tif"].map((filename) => ({ filename, page: null })));
  expect(query(stack, FRAMES)).toEqual([0, 4, 8].map((page) => ({ filename: "all.tif", page })));
  expect(query(files, RESULTS)).toEqual(query(stack, RESULTS));
  expect(query(files, "SELECT DISTINCT roi FROM result")).toHaveLength(2);
});

test("a window from the configuration, in two runs; the images that are left out stay where they are", async () => {
  const directory = series("files", 'from = 2026-03-04T11:02:00+01:00\nto = "2026-03-04T10:07"\nevery = 2');
  for (const options of [
    ["--limit", "1"],
    ["--limit", "2", "--roi", "001a*"],
  ]) {
    const { code, stderr } = await phorest([...RUN, ...options], directory);
    expect(code, stderr).toBe(0);
  }
  expect(query(directory, "SELECT text FROM marker")).toEqual([{ text: "other ROIs: 2" }]);
  expect(query(directory, FRAMES)).toEqual(["2.tif", "4.tif"].map((filename) => ({ filename, page: null })));
  expect(readdirSync(join(directory, "data")).filter((name) => name.endsWith(".tif"))).toHaveLength(9);
});

test.each([
  [["--from", "2027-01-01"], /^no frame from 2027-01-01T.*: the 9 frames are from 2026-03-04T10:00:00.*10:08:00/],
  [["--roi", "999*"], /^--roi: no ROI is named "999\*" \(did you mean /],
  [["--every", "none"], /--every/],
  [["--from", "2026-02-30"], /--from.*2026-02-30/],
  [["--name-time", "%Y%m%d_%H%M"], /0\.tif/],
])("%j ends before anything starts", async (options, message) => {
  const directory = series("files");
  const { code, stderr } = await phorest([...RUN, ...options], directory);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(readdirSync(join(directory, "data")).filter((name) => name.endsWith(".sqlite"))).toEqual([]);
});

describe.each<FileSource>(["folder", "file_importer"])("%s: a stack of which a run left pages out", (source) => {
  const put = (directory: string, pages = pictures.length) =>
    writeFileSync(join(directory, PLACE[source], "all.tif"), writeStack(pictures.slice(0, pages)));
  const opened = (pages?: number): string => {
    const directory = fileExperiment(source);
    put(directory, pages);
    return directory;
  };
  /** The pages that have a row, in order, and what the run said it left out. */
  const run = async (directory: string, ...options: string[]) => {
    const { code, stderr } = await phorest([...RUN, ...options], directory);
    expect(code, stderr).toBe(0);
    const rows = query<{ page: number; status: string }>(directory, "SELECT page, status FROM entry ORDER BY id");
    expect(rows.filter(({ status }) => status !== "processed")).toEqual([]);
    return [rows.map(({ page }) => page), /left out .* frames.*/.exec(stderr)?.[0]];
  };
  const stacks = (directory: string) => readdirSync(join(directory, "data")).filter((name) => name.includes(".tif"));

  test("goes on with a larger limit, and with all; each page once, in one file", async () => {
    const directory = opened();
    expect(await run(directory, "--limit", "2")).toEqual([
      [0, 1],
      expect.stringContaining("left out 7 of 9 frames: 7 beyond the limit of 2"),
    ]);
    expect(await run(directory, "--limit", "5")).toEqual([
      [0, 1, 2, 3, 4],
      expect.stringContaining("left out 4 of 9 frames: 4 beyond the limit of 5"),
    ]);
    const all = [[0, 1, 2, 3, 4, 5, 6, 7, 8], undefined];
    expect(await run(directory)).toEqual(all);
    expect(await run(directory)).toEqual(all);
    expect(stacks(directory)).toEqual(["all.tif"]);
    expect(query(directory, "SELECT count(filename) AS files FROM entry")).toEqual([{ files: 1 }]);
  });

  test("goes on after --every, also if it has grown since", async () => {
    const directory = opened(7);
    expect((await run(directory, "--every", "3"))[0]).toEqual([0, 3, 6]);
    put(directory);
    expect(await run(directory)).toEqual([[0, 3, 6, 1, 2, 4, 5, 7, 8], undefined]);
    expect((await run(directory))[0]).toHaveLength(9);
  });

  test("goes on in steps if only its time of change is another", async () => {
    const directory = opened();
    const path = join(directory, PLACE[source], "all.tif");
    utimesSync(path, new Date(START_MS), new Date(START_MS));
    expect((await run(directory, "--limit", "1"))[0]).toEqual([0]);
    // Another time of change, the same content.
    utimesSync(path, new Date(START_MS + 1000), new Date(START_MS + 1000));
    expect((await run(directory, "--every", "4"))[0]).toEqual([0, 4, 8]);
  });
});

test("of a copy that is gone, the pages that were left out are copied again, also after a crash", async () => {
  const directory = fileExperiment("folder");
  const data = join(directory, "data");
  writeFileSync(join(directory, "incoming", "all.tif"), writeStack(pictures));
  const pages = async (...options: string[]) => {
    const { code, stderr } = await phorest([...RUN, ...options], directory);
    expect(code, stderr).toBe(0);
    return query<{ page: number }>(directory, "SELECT page FROM entry ORDER BY id").map(({ page }) => page);
  };
  expect(await pages("--limit", "2")).toEqual([0, 1]);
  rmSync(join(data, "all.tif"));
  expect(await pages("--limit", "4")).toEqual([0, 1, 2, 3]);
  expect(readdirSync(data).filter((name) => name.endsWith(".tif"))).toEqual(["all-1.tif"]);
  // As a crash leaves it: copied again, and not recorded yet.
  copyFileSync(join(data, "all-1.tif"), join(data, "all-2.tif"));
  expect(await pages()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(await pages()).toHaveLength(9);
});
