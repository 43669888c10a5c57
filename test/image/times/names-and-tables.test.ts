// Times by the user's word: patterns of names, and tables.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { readTimeTable } from "../../../src/image/times/table.ts";
import { namePattern, nameTime } from "../../../src/system/name-pattern.ts";
import { readTime } from "../../../src/system/time-text.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { type StackField, textValues, writeStack } from "../stack-writer.ts";

const US = Date.UTC(2024, 1, 29, 23, 59, 58) * 1000;

describe("a pattern of names", () => {
  it.each([
    ["%Y%m%d_%H%M%S_%f", "run_20240229_235958_25.tif", US + 25e4],
    ["%Y-%m-%dT%H.%M.%S%z", "2024-02-29T15.59.58-0800.png", US],
    ["%y%j-%H%M%S", "x24060-235958.jpg", US],
    ["%d%b%Y %H:%M:%S", "29Feb2024 23:59:58.png", US],
    ["t%s", "t1709251198.5.tif", US + 5e5],
    ["%Q", "a_1709251198250.tif", US + 25e4],
    ["*_%Y%m%d_?_%H%M%S", "a_b_20240229_x_235958.tif", US],
    ["%Y%m%d %H%M%S %{ms}ms", "20240229 235958 1500ms.tif", US + 1.5e6],
    ["100%% %s", "100% 1709251198.tif", US],
  ])("%s reads %s", (pattern, name, us) => {
    expect(nameTime(name, namePattern(pattern))).toEqual({ us, relative: false });
  });

  it("counts from the start where it gives no date", () => {
    expect(nameTime("frame_001250_ms.tif", namePattern("%{ms}_ms"))).toEqual({ us: 1.25e6, relative: true });
    expect(nameTime("t=1.5s.tif", namePattern("t=%{s}s"))).toEqual({ us: 1.5e6, relative: true });
  });

  it("matches no other name, and no date that does not exist", () => {
    const pattern = namePattern("%Y%m%d%H%M%S");
    for (const name of ["20230229120000.tif", "20241301000000.tif", "202402292359580.tif", "a.tif"]) {
      expect(nameTime(name, pattern), name).toBeUndefined();
    }
    expect(nameTime("2023366-12.tif", namePattern("%Y%j-%H"))).toBeUndefined();
    expect(nameTime("2024366-12.tif", namePattern("%Y%j-%H"))?.us).toBe(Date.UTC(2024, 11, 31, 12) * 1000);
  });

  it.each(["%Y%m%d", "frame.tif", "%H%M%S", "%Y %m %d %H %k", "%{weeks}"])("%s is refused", (pattern) => {
    expect(() => namePattern(pattern)).toThrow("pattern of names");
  });
});

describe("a time as text", () => {
  it.each([
    ["2024-02-29 23:59:58", US, false],
    ["2024-02-29 Thu 15:59:58 -0800", US, true],
    ["2024-02-29 23:59:58.123456 +0000", US + 123_456, true],
    ["2024/02/29 23:59:58", US, false],
    ["2024:02:29 23:59:58", US, false],
    ["2024-03-01T00:59:58+01:00", US, true],
    ["2024-02-29T23:59:58Z", US, true],
    ["2024-02-29 23:59:58 -", US, false],
    ["Fri Mar 01 00:59:58 CET 2024", US, true],
    ["Thu Feb 29 23:59:58 UTC 2024", US, true],
    // British, Bangladesh or Bougainville: not said.
    ["Thu Feb 29 23:59:58 BST 2024", US, false],
  ])("%s", (text, us, hasZone) => {
    expect(readTime(text)).toMatchObject({ us, hasZone });
  });

  it.each([
    "",
    "The age of Aquarius",
    "2024-02-30 00:00:00",
    "2024-02-29",
    "2024-02-29 24:00:00",
    "2024-02-29 23:59:58 PST",
    "Thu Fev 29 23:59:58 UTC 2024",
    "Fri Feb 30 23:59:58 UTC 2024",
  ])("%j is none", (text) => {
    expect(readTime(text)).toBeUndefined();
  });
});

describe("a table of times", () => {
  const tableOf = async (text: string) => {
    const path = join(temporaryDirectory(), "times.csv");
    writeFileSync(path, text);
    return readTimeTable(path);
  };

  it.each([
    ["file,time\na.tif,2024-02-29T23:59:58.25Z\n", [US + 25e4]],
    ["\ufeffName;Time\r\na.tif;2024-02-29 23:59:58.25\r\n", [US + 25e4]],
    ["file\ttime\na.tif\t1709251198.25\n", [US + 25e4]],
    ["file,page,elapsed\na.tif,1,0\na.tif,2,0.5\n", [0, 5e5]],
    ["file,page,elapsed\na.tif,1,0.5\na.tif,0,0\n", [0, 5e5]],
    ["file;page;elapsed_s\na.tif;1;0\na.tif;2;0,5\n", [0, 5e5]],
    ["file,time\nPos0/a.tif,2024-02-29T23:59:58Z\nPos1/a.tif,2024-02-29T23:59:59Z\n", [US]],
  ])("%j", async (text, us) => {
    expect((await tableOf(text)).timesOf("/data/Pos0/a.tif", [...us.keys()])?.us).toEqual(us);
  });

  it.each([
    ["name,when\na.tif,1\n", "line 1"],
    ["file,time\na.tif,2024-02-29T23:59:58Z\nb.tif,yesterday\n", "line 3"],
    ["file,elapsed\na.tif,\n", "line 2"],
    ["file,elapsed\na.tif,0x10\n", "line 2"],
    ["file,page,elapsed\na.tif,x,1\n", "line 2"],
  ])("%j is refused with its line", async (text, where) => {
    await expect(tableOf(text)).rejects.toThrow(where);
  });

  it.each(["utf-16le", "utf-16be"])("may be in %s, as Excel writes Unicode text", async (encoding) => {
    const text = "file\telapsed\na.tif\t0,5\nbäh.tif\t1\n";
    for (const mark of ["\ufeff", ""]) {
      const bytes = Buffer.from(mark + text, "utf16le");
      const path = join(temporaryDirectory(), "times.txt");
      writeFileSync(path, encoding === "utf-16le" ? bytes : bytes.swap16());
      const table = await readTimeTable(path);
      expect(table.timesOf("/data/a.tif", [0])?.us).toEqual([5e5]);
      expect(table.timesOf("/data/bäh.tif", [0])?.us).toEqual([1e6]);
    }
  });

  it.each([
    ["a TIFF", writeStack([grayPicture(8, 4, 8, 1)])],
    ["a ZIP archive", Buffer.from("PK\x03\x04\0\0")],
    ["a binary file", Buffer.from("\x01\x02\0\0\0\0")],
  ])("that is %s is refused as such", async (what, bytes) => {
    const path = join(temporaryDirectory(), "times.csv");
    writeFileSync(path, bytes);
    await expect(readTimeTable(path)).rejects.toThrow(`times.csv: the table of times is ${what}, not text`);
  });

  it("says which rows name no image, and which images have no row", async () => {
    const table = await tableOf("file,elapsed\na.tif,0\nb.tif,1\n");
    expect(table.compare(["/x/a.tif", "/x/c.tif"])).toEqual([
      "error: times.csv names 1 image that is not there: b.tif (line 3)",
      "times.csv has no time for 1 image: c.tif",
    ]);
  });
});

describe("the order of trust", () => {
  it("is table, own name, metadata, pattern, and last the file", async () => {
    const directory = temporaryDirectory();
    const table = join(directory, "times.csv");
    writeFileSync(table, "file,time\ntable_20240301_000000.tif,2024-02-29T23:59:58Z\n");
    const entry = (name: string) =>
      `"FrameKey-0-0-0": {"FileName": "${name}", "ReceivedTime": "2024-02-29 23:59:57.000 +0000"}`;
    const names = [
      "table_20240301_000000.tif",
      "image_20240229_235956_000000_cam0.tif",
      "mm_20240301_000000.tif",
      "x_20240229_235955.tif",
      "y.tif",
    ];
    writeFileSync(join(directory, "metadata.txt"), `{${names.slice(0, 3).map(entry).join()}}`);
    for (const name of names) writeFileSync(join(directory, name), "x");
    const files = names.map((name) => ({ directory, name, modifiedUs: US - 4e6, version: "" }));
    const found = await new CaptureTimes({ table, names: "%Y%m%d_%H%M%S" }).ofFirstPages(files);
    expect(files.map((file) => [(US - (found.get(file)?.takenAtUs ?? 0)) / 1e6, found.get(file)?.source])).toEqual([
      [0, "table"],
      [2, "name"],
      [1, "micro-manager"],
      [3, "name"],
      [4, "file"],
    ]);
  });

  it("dates counters by the earliest start that the files allow", async () => {
    const directory = temporaryDirectory();
    const files = [250, 0, 500].map((ms, index) => ({
      directory,
      name: `t${ms}ms.tif`,
      modifiedUs: US + ms * 1000 + [30, 10, 20][index]! * 1000,
      version: "",
    }));
    for (const { name } of files) writeFileSync(join(directory, name), "x");
    const found = await new CaptureTimes({ names: "t%{ms}ms" }).ofFirstPages(files);
    expect(files.map((file) => (found.get(file)?.takenAtUs ?? 0) - US)).toEqual([26e4, 1e4, 51e4]);
    expect(new Set([...found.values()].map(({ source }) => source))).toEqual(new Set(["file"]));
  });

  it("dates elapsed times of the pages of a stack so that its last image was taken when it was written", async () => {
    const directory = temporaryDirectory();
    const table = join(directory, "times.csv");
    writeFileSync(table, "file,page,elapsed\ns.tif,1,100\ns.tif,2,200\ns.tif,3,600\n");
    const pictures = [1, 2, 3].map((seed) => grayPicture(8, 4, 8, seed));
    writeFileSync(join(directory, "s.tif"), writeStack(pictures));
    const file = { directory, name: "s.tif", modifiedUs: US, version: "" };
    const times = new CaptureTimes({ table });
    // A directory is listed before the pages of its files are known.
    const first = (await times.ofFirstPages([file])).get(file);
    expect(first).toEqual({ takenAtUs: US - 500e6, source: "file" });
    const listed = await listPages(join(directory, "s.tif"));
    const { pages } = await times.of(file, listed.pages);
    expect(pages.map(({ takenAtUs }) => (takenAtUs - US) / 1e6)).toEqual([-500, -400, 0]);
  });

  it("marks times as guessed whose date is from the time of modification, whatever gives the intervals", async () => {
    const directory = temporaryDirectory();
    const table = join(directory, "times.csv");
    writeFileSync(table, "file,elapsed\na.tif,0\nb.tif,5\n");
    const ome = `<OME><Image><Pixels SizeT="1"><TiffData/><Plane TheT="0" DeltaT="3"/></Pixels></Image></OME>`;
    const sourceOf = async (description: string, date: string | undefined, options = {}) => {
      const fields = (): StackField[] => [
        [270, 2, textValues(description)],
        ...(date === undefined ? [] : [[306, 2, textValues(date)] satisfies StackField]),
      ];
      writeFileSync(join(directory, "a.tif"), writeStack([grayPicture(8, 4, 8, 1)], { fields }));
      const file = { directory, name: "a.tif", modifiedUs: US, version: "" };
      return (await new CaptureTimes(options).of(file)).pages[0]?.source;
    };
    expect(await sourceOf("ImageJ=1.5\nfinterval=2\n", undefined)).toBe("file");
    expect(await sourceOf("ImageJ=1.5\nfinterval=2\n", "2023:01:02 03:04:05")).toBe("imagej");
    expect(await sourceOf(ome, undefined)).toBe("file");
    expect(await sourceOf(ome, "2023:01:02 03:04:05")).toBe("ome");
    expect(await sourceOf("", undefined, { table })).toBe("file");
    expect(await sourceOf("", "2023:01:02 03:04:05", { table })).toBe("table");
  });
});
