// A table of times that is about a part of the images, or says something more than once.
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { readTimeTable } from "../../../src/image/times/table.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { type StackField, textValues, writeStack } from "../stack-writer.ts";

const US = Date.UTC(2026, 2, 4, 10) * 1000;
const MODIFIED = US + 86_400e6;

const tableIn = (directory: string, text: string): string => {
  const path = join(directory, "times.csv");
  writeFileSync(path, text);
  return path;
};

/** A page's EXIF date, `seconds` after the start. */
const dated =
  (seconds: number) =>
  (page: number): StackField[] => [[306, 2, textValues(`2026:03:04 10:00:0${seconds + page}`)]];

const fileIn = (directory: string, name: string) => {
  utimesSync(join(directory, name), MODIFIED / 1e6, MODIFIED / 1e6);
  return { directory, name, modifiedUs: MODIFIED, version: "" };
};

const writeIn = (directory: string, name: string, pages: number, fields?: (page: number) => StackField[]) => {
  const pictures = Array.from({ length: pages }, () => grayPicture(4, 4, 8, 1));
  writeFileSync(join(directory, name), writeStack(pictures, fields === undefined ? {} : { fields }));
  return fileIn(directory, name);
};

const pagesOf = async (directory: string, text: string, fields?: (page: number) => StackField[], names?: string) => {
  const table = tableIn(directory, text);
  const file = writeIn(directory, "s_090000.tif", 4, fields);
  const { pages } = await listPages(join(directory, file.name));
  const times = await new CaptureTimes({ table, names }).of(file, pages);
  return { ...times, pages: times.pages.map(({ takenAtUs, source }) => [(takenAtUs - US) / 1e6, source]) };
};

describe("pages without a row", () => {
  it("take the next source, and a line says how many are from which", async () => {
    const text = "file,page,time\ns_090000.tif,2,2026-03-04T10:00:01.25Z\n";
    const { pages, notes } = await pagesOf(temporaryDirectory(), text, dated(0));
    expect(pages).toEqual([
      [0, "exif"],
      [1.25, "table"],
      [2, "exif"],
      [3, "exif"],
    ]);
    expect(notes).toContain("s_090000.tif: capture times: 1 page from the table of times, 3 pages from EXIF");
  });

  it("take the elapsed times of the file, counted from a page that has both", async () => {
    const imagej = () => [
      [270, 2, textValues("ImageJ=1.53t\nimages=4\nframes=4\nfinterval=0.5\n")] satisfies StackField,
    ];
    const text = "file,page,time\ns_090000.tif,2,2026-03-04T10:00:07Z\n";
    const { pages } = await pagesOf(temporaryDirectory(), text, imagej);
    expect(pages).toEqual([
      [6.5, "imagej"],
      [7, "table"],
      [7.5, "imagej"],
      [8, "imagej"],
    ]);
  });

  it("take the time in the name, and what no source has is guessed and said", async () => {
    const text = "file,page,time\ns_090000.tif,2,2026-03-04T10:00:01Z\ns_090000.tif,3,2026-03-04T10:00:02Z\n";
    const { pages, notes } = await pagesOf(temporaryDirectory(), text);
    expect(pages).toEqual([
      [0, "file"],
      [1, "table"],
      [2, "table"],
      [3, "file"],
    ]);
    expect(notes).toEqual([
      "s_090000.tif: no capture time for 2 pages of 4; phorest guesses it from the others",
      "s_090000.tif: capture times: 2 pages from the table of times, 2 pages guessed",
    ]);
  });
});

it("elapsed times of a table are dated by the file's own metadata", async () => {
  const text = "file,page,elapsed\ns_090000.tif,1,5\ns_090000.tif,2,5.5\ns_090000.tif,3,6\ns_090000.tif,4,6.5\n";
  const { pages } = await pagesOf(temporaryDirectory(), text, dated(3));
  expect(pages).toEqual([3, 3.5, 4, 4.5].map((seconds) => [seconds, "table"]));
});

it("files without a row take the next source, and a line says how many are from which", async () => {
  const directory = temporaryDirectory();
  const table = tableIn(directory, "file,time\na.tif,2026-03-04T09:59:59Z\n");
  const files = [
    writeIn(directory, "a.tif", 1, dated(0)),
    writeIn(directory, "b.tif", 1, dated(1)),
    writeIn(directory, "c.tif", 1),
  ];
  const said: string[] = [];
  const found = await new CaptureTimes({ table }).ofFirstPages(files, [], (line) => said.push(line));
  expect(files.map((file) => [((found.get(file)?.takenAtUs ?? 0) - US) / 1e6, found.get(file)?.source])).toEqual([
    [-1, "table"],
    [1, "exif"],
    [86_400, "file"],
  ]);
  expect(said).toContain("capture times: 1 file from the table of times, 1 file from EXIF, 1 file guessed");
});

describe("rows for the same image", () => {
  it("are an error with both lines where they contradict each other", async () => {
    const read = (text: string) => readTimeTable(tableIn(temporaryDirectory(), text));
    await expect(read("file,elapsed\na.tif,0\n\nb.tif,1\na.tif,2\n")).rejects.toThrow(
      "lines 2 and 5: two different times for a.tif",
    );
    await expect(read("file,page,elapsed\na.tif,1,0\n./a.tif.gz,2,1\na.tif,2,2\n")).rejects.toThrow(
      "lines 3 and 4: two different times for a.tif, page 2",
    );
  });

  it("are said once where they are the same", async () => {
    const text = "file,time\na.tif,1772618400\nb.tif,1772618401\na.tif,2026-03-04T10:00:00Z\nb.tif,1772618401\n";
    const { notes } = await readTimeTable(tableIn(temporaryDirectory(), text));
    expect(notes).toEqual(["times.csv has 2 rows more than once: line 4 repeats line 2, line 5 repeats line 3"]);
    expect((await readTimeTable(tableIn(temporaryDirectory(), "file,time\na.tif,1772618400\n"))).notes).toEqual([]);
  });

  it("are said by whoever reads the times, once", async () => {
    const directory = temporaryDirectory();
    const table = tableIn(directory, "file,time\na.tif,1772618400\na.tif,1772618400\n");
    const times = new CaptureTimes({ table });
    const { notes } = await times.of(writeIn(directory, "a.tif", 1));
    expect(notes).toEqual(["times.csv has 1 row more than once: line 3 repeats line 2"]);
    expect(await times.compare([join(directory, "a.tif")])).toEqual([]);
  });
});

describe("rows that fit nothing", () => {
  it("are counted and named: pages that the file does not have", async () => {
    const directory = temporaryDirectory();
    const rows = [1, 2, 3, 4, 5, 6].map((page) => `s_090000.tif,${page},2026-03-04T10:00:0${page}Z\n`);
    const table = tableIn(directory, `file,page,time\n${rows.join("")}`);
    const file = writeIn(directory, "s_090000.tif", 4);
    const { pages } = await listPages(join(directory, file.name));
    const { notes } = await new CaptureTimes({ table }).of(file, pages, pages.length);
    expect(notes).toContain(
      "s_090000.tif: times.csv has 2 rows for pages that do not exist, because the file has only 4 pages: page 5 (line 6), page 6 (line 7)",
    );
    const ofOne = await new CaptureTimes({ table }).rowsBeyond(file, 1);
    expect(ofOne).toEqual([
      expect.stringMatching(/5 rows for pages that do not exist, because the file has only one image/),
    ]);
  });
});

describe("a table with both time and elapsed", () => {
  const rows = (elapsed: readonly number[]) =>
    `file,page,time,elapsed\n${elapsed.map((s, at) => `s_090000.tif,${at + 1},2026-03-04T10:00:0${at}.25Z,${s}\n`).join("")}`;

  it("is read by its time, and says so", async () => {
    const { pages, notes } = await pagesOf(temporaryDirectory(), rows([7, 8, 9, 10]));
    expect(pages.map(([seconds]) => seconds)).toEqual([0.25, 1.25, 2.25, 3.25]);
    expect(notes).toContain("times.csv has the columns time and elapsed; phorest uses time");
  });

  it.each([
    ["file,time,timestamp\na.tif,2026-03-04T10:00:00Z,2026-03-04T10:00:00Z\n", "the columns time and timestamp could"],
    ["file,elapsed,seconds\na.tif,1,2\n", "the columns elapsed and seconds could each be the elapsed times; keep one"],
  ])("is refused if two columns could be the same: %j", async (text, message) => {
    const table = tableIn(temporaryDirectory(), text);
    await expect(readTimeTable(table)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringContaining(message),
    });
  });

  it("is refused where they contradict each other", async () => {
    const table = tableIn(temporaryDirectory(), rows([0, 1, 4.5, 3]));
    await expect(readTimeTable(table)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringContaining("lines 2 and 4: time and elapsed contradict each other by 2.500 s"),
    });
  });
});

it("elapsed times for some pages of an ImageJ stack: the sources are said, also where the date is guessed", async () => {
  const imagej = () => [[270, 2, textValues("ImageJ=1.53t\nimages=4\nframes=4\nfinterval=0.5\n")] satisfies StackField];
  const text = "file,page,elapsed\ns_090000.tif,2,10\ns_090000.tif,3,12\n";
  const { pages, notes } = await pagesOf(temporaryDirectory(), text, imagej);
  const [first] = pages.map(([seconds]) => Number(seconds));
  expect(pages.map(([seconds]) => Number(seconds) - Number(first))).toEqual([0, 0.5, 2.5, 1.5]);
  expect(notes).toContain("s_090000.tif: capture times: 2 pages from the table of times, 2 pages from ImageJ");
  expect(notes.filter((note) => note.includes("without a date"))).toHaveLength(1);
});
